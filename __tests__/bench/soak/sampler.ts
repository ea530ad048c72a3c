import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from '../../support/engines/engine.js';
import type { MeasuredProcess } from '../measured-process.js';
import { cpuSecondsOf, openFilesOf, rssOf } from '../process-status.js';

/** What the collector and the Engine had and did at one instant. */
export interface Sample {
  /** Since the sampling began. */
  readonly seconds: number;
  /** Lines in Loki, all in all. */
  readonly lines: number;
  readonly fds: number;
  readonly sockets: number;
  /** Live resources of the event loop (`process.getActiveResourcesInfo`). */
  readonly live: number;
  /** Bytes. */
  readonly rss: number;
  /** Sockets to the Engine and polls under way, as the service itself counts them. */
  readonly engineSockets: number;
  readonly activePolls: number;
  /** Longest delay of the event loop in the last second, ms. */
  readonly lagMs: number;
  readonly health: string;
  /** Seconds of processor time so far. */
  readonly collectorCpu: number;
  readonly daemonCpu: number;
}

interface StatusPage {
  readonly engine_sockets: number;
  readonly active_polls: number;
  readonly resources: { readonly live: number; readonly event_loop_lag_seconds: number } | null;
  readonly health: { readonly state: string };
}

export interface SamplerOptions {
  readonly collector: MeasuredProcess;
  readonly statusUrl: string;
  readonly engine: Engine;
  /** Lines in Loki. */
  readonly lines: () => number;
}

const EVERY_MS = 1000;
/** Samples between two collections of garbage, of which the heap that is left is noted. */
const HEAP_EVERY = 10;

/** Looks each second at what the collector holds. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #options: SamplerOptions;
  readonly #began = performance.now();

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Samples until the signal aborts. */
  async run(signal: AbortSignal, onSample: (sample: Sample) => void): Promise<void> {
    for (let n = 1; !signal.aborted; n++) {
      const wait = this.#began + n * EVERY_MS - performance.now();
      const waited = await delay(Math.max(wait, 0), true, { signal }).catch(() => false);
      if (!waited) return;
      const sample = await this.#sample();
      this.samples.push(sample);
      onSample(sample);
      if (n % HEAP_EVERY === 0) this.#options.collector.signal('SIGUSR2');
    }
  }

  async #sample(): Promise<Sample> {
    const { collector, statusUrl, engine, lines } = this.#options;
    const page = (await (await fetch(`${statusUrl}/status`)).json()) as StatusPage;
    return {
      seconds: (performance.now() - this.#began) / 1000,
      lines: lines(),
      ...openFilesOf(collector.pid),
      live: page.resources?.live ?? 0,
      rss: rssOf(collector.pid),
      engineSockets: page.engine_sockets,
      activePolls: page.active_polls,
      lagMs: (page.resources?.event_loop_lag_seconds ?? 0) * 1000,
      health: page.health.state,
      collectorCpu: cpuSecondsOf(collector.pid),
      daemonCpu: engine.cpuSeconds(),
    };
  }
}
