import { renameSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../src/model/clock.js';
import { NS_PER_MS, type Nanoseconds } from '../../src/model/nanoseconds.js';
import { systemClock } from '../../src/model/system-clock.js';

/** What the collector's process loads before all else, to share the clock. */
export const CLOCK_MODULE = new URL('stepped-clock.mjs', import.meta.url).href;

/** The clock of the machine on which the Engine and the collector run, which somebody sets now and then. */
export class SetClock implements Clock {
  readonly #file: string;
  #offsetMs = 0;

  /** @param file by which the collector's process learns of it */
  constructor(file: string) {
    this.#file = file;
    this.set(0);
  }

  /** How far it is ahead of the true time, ms. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  now(): Nanoseconds {
    return systemClock.now() + BigInt(this.#offsetMs) * NS_PER_MS;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(ms, signal);
  }

  /** @param offsetMs ahead of the true time */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
    // At once, or a reader sees an empty file.
    writeFileSync(`${this.#file}.new`, String(offsetMs));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
