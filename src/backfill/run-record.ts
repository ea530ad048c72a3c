import type { Clock } from '../model/clock.js';
import {
  asFinished,
  withFinished,
  withSent,
  type ContainerResult,
  type RunProgress,
  type SentSoFar,
} from './progress.js';

/** ms between two writes of what was sent; a container that is finished is written at once. */
const WRITE_EVERY = 1000;

/** Makes a run durable; undefined for one that is not kept, such as a dry run. */
export type WriteRun = (run: RunProgress) => Promise<void>;

/**
 * The progress of the run that is under way. One owner: what is durable is what was last written here, and the writes
 * come one after the other.
 */
export class RunRecord {
  readonly #clock: Clock;
  readonly #write: WriteRun | undefined;
  #before: Readonly<Record<string, SentSoFar>>;
  #run: RunProgress;
  #writtenAt = -Infinity;
  #last: Promise<void> = Promise.resolve();

  /** @param run a new one, or an interrupted one */
  constructor(clock: Clock, run: RunProgress, write: WriteRun | undefined) {
    this.#clock = clock;
    this.#run = run;
    this.#before = run.open;
    this.#write = write;
  }

  get run(): RunProgress {
    return this.#run;
  }

  isFinished(containerId: string): boolean {
    return this.#run.finished.some(({ id }) => id === containerId);
  }

  /** From now on `sent` counts from zero again: what was sent until now is a part of `sentBefore`. */
  beginPass(): void {
    this.#before = this.#run.open;
  }

  /** What earlier passes sent of a container, in this process or in one before it. */
  sentBefore(containerId: string): SentSoFar {
    return this.#before[containerId] ?? { sent: 0, sentUnderLabel: 0 };
  }

  /** The finished containers, by name. */
  results(): readonly ContainerResult[] {
    return [...this.#run.finished].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  /** Writes the run as it is. @throws what the writing throws */
  async begin(): Promise<void> {
    await this.#save();
  }

  /** Notes what this pass has sent of a container; now and then that is made durable. */
  async sent(containerId: string, now: SentSoFar): Promise<void> {
    const before = this.sentBefore(containerId);
    const sum = { sent: before.sent + now.sent, sentUnderLabel: before.sentUnderLabel + now.sentUnderLabel };
    this.#run = withSent(this.#run, { [containerId]: sum }, this.#clock.now());
    if (this.#clock.monotonic() - this.#writtenAt >= WRITE_EVERY) await this.#save();
  }

  /** Notes that a container is finished, durably. */
  async finish(result: ContainerResult): Promise<void> {
    this.#run = withFinished(this.#run, result, this.#clock.now());
    await this.#save();
  }

  /** Notes that the run came to its end, durably. */
  async end(): Promise<void> {
    this.#run = asFinished(this.#run, this.#clock.now());
    await this.#save();
  }

  async #save(): Promise<void> {
    const write = this.#write;
    if (write === undefined) return;
    this.#writtenAt = this.#clock.monotonic();
    const written = this.#last.then(() => write(this.#run));
    this.#last = written.catch(() => undefined);
    await written;
  }
}
