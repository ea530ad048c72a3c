import { readdir, readFile } from 'node:fs/promises';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { Clock } from '../model/clock.js';

/** What the process holds at one instant. Linux tells all of it; elsewhere fds and their limit are undefined. */
export interface ResourceSample {
  /** Monotonic ms. */
  readonly at: number;
  /**
   * Live resources of the event loop, by type (`process.getActiveResourcesInfo`): sockets, timers, requests. Without the
   * connections of the status page.
   */
  readonly live: Readonly<Record<string, number>>;
  readonly liveTotal: number;
  readonly fds: number | undefined;
  /** The soft limit; Infinity for none. */
  readonly fdLimit: number | undefined;
  /** Bytes. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  /** Bytes of Buffers. */
  readonly external: number;
  /** Longest delay of the event loop since the sample before, seconds. */
  readonly lag: number;
  readonly engineSockets: number;
  /** Since the process began. */
  readonly pushes: PushTotals;
}

/** Pushes to Loki since the process began. A repetition counts again. */
export interface PushTotals {
  readonly tried: number;
  /** Answered with something else than 2xx, or not at all. */
  readonly failed: number;
}

export interface ResourceSources {
  readonly clock: Clock;
  /** Sockets to the Engine that are open. */
  readonly engineSockets: () => number;
  /** Connections of clients of the status page. They come and go as these like, and are bounded: no leak of ours. */
  readonly statusConnections?: () => number;
  readonly pushes: () => PushTotals;
  /** Where the system tells of the process; for tests. */
  readonly procFolder?: string;
}

/** As Node.js names it. */
const SOCKET = 'TCPSocketWrap';
/** Coarse: each tick wakes the process. */
const TICK_MS = 100;

/** Looks at what the process holds. Measures the event loop from its creation until it is closed. */
export class ResourceSampler {
  readonly #sources: ResourceSources;
  readonly #proc: string;
  readonly #loop: IntervalHistogram;

  constructor(sources: ResourceSources) {
    this.#sources = sources;
    this.#proc = sources.procFolder ?? '/proc/self';
    this.#loop = monitorEventLoopDelay({ resolution: TICK_MS });
    this.#loop.enable();
  }

  async sample(): Promise<ResourceSample> {
    const { clock, engineSockets, pushes, statusConnections } = this.#sources;
    // Before anything is awaited, so that the sampler does not count its own work.
    const live = countByName(process.getActiveResourcesInfo());
    const sockets = live[SOCKET] ?? 0;
    if (sockets > 0) live[SOCKET] = Math.max(sockets - (statusConnections?.() ?? 0), 0);
    const memory = process.memoryUsage();
    const sample = {
      at: clock.monotonic(),
      live,
      liveTotal: Object.values(live).reduce((sum, n) => sum + n, 0),
      rss: memory.rss,
      heapUsed: memory.heapUsed,
      heapTotal: memory.heapTotal,
      external: memory.external,
      lag: this.#takeLag(),
      engineSockets: engineSockets(),
      pushes: { ...pushes() },
    };
    const [fds, fdLimit] = await Promise.all([this.#countFds(), this.#readFdLimit()]);
    return { ...sample, fds, fdLimit };
  }

  /** Ends the measurement of the event loop. */
  close(): void {
    this.#loop.disable();
  }

  #takeLag(): number {
    // The histogram holds the time between two ticks, which is the resolution when nothing is late (Node.js
    // documentation, perf_hooks.monitorEventLoopDelay). Before the first tick it says 0.
    const lag = Math.max(this.#loop.max / 1e6 - TICK_MS, 0) / 1000;
    this.#loop.reset();
    return lag;
  }

  async #countFds(): Promise<number | undefined> {
    try {
      // One of them is the folder that is being read.
      return (await readdir(`${this.#proc}/fd`)).length - 1;
    } catch {
      return undefined;
    }
  }

  async #readFdLimit(): Promise<number | undefined> {
    try {
      return parseFdLimit(await readFile(`${this.#proc}/limits`, 'utf8'));
    } catch {
      return undefined;
    }
  }
}

/** The soft limit of open files out of `/proc/PID/limits` (proc_pid_limits(5)); undefined if it is not there. */
export function parseFdLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Infinity : Number(soft);
}

function countByName(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
