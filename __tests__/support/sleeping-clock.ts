import { ManualClock, settle } from './manual-clock.js';

/** A manual clock that tells when someone waits for it. */
export class SleepingClock extends ManualClock {
  #sleeps = 0;

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#sleeps++;
    await super.sleep(ms, signal);
  }

  /** Until someone has begun to wait. */
  async slept(): Promise<void> {
    while (this.#sleeps === 0) await settle();
  }
}
