import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from '../../support/engines/engine.js';
import { cpuSecondsOf, openFilesOf, rssOf } from '../process-status.js';
import type { ServiceProcess } from '../service-process.js';

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

export interface SamplerOptions {
  readonly service: ServiceProcess;
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
      if (n % HEAP_EVERY === 0) this.#options.service.process.signal('SIGUSR2');
    }
  }

  async #sample(): Promise<Sample> {
    const { service, engine, lines } = this.#options;
    const page = await service.status();
    return {
      seconds: (performance.now() - this.#began) / 1000,
      lines: lines(),
      ...openFilesOf(service.pid),
      live: page.resources?.live ?? 0,
      rss: rssOf(service.pid),
      engineSockets: page.engine_sockets,
      activePolls: page.active_polls,
      lagMs: (page.resources?.event_loop_lag_seconds ?? 0) * 1000,
      health: page.health.state,
      collectorCpu: cpuSecondsOf(service.pid),
      daemonCpu: engine.cpuSeconds(),
    };
  }
}
