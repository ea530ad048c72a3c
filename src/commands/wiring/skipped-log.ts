import type { UnstoredLines } from '../../loki/unstored-lines.js';
import type { Clock } from '../../model/clock.js';
import type { Logger } from '../../model/logger.js';
import { formatStamp, type Nanoseconds } from '../../model/nanoseconds.js';

export interface SkippedLogOptions {
  /** Not rate-limited: each container's lines are reported once. */
  readonly logger: Logger;
  readonly clock: Clock;
  /** ms between two reports of a container of which more and more lines are skipped. */
  readonly repeatInterval: number;
}

/** Lines of one container, skipped one after the other. */
interface Run {
  readonly container: string;
  readonly reason: string;
  readonly lines: number;
  readonly from: Nanoseconds;
  readonly until: Nanoseconds;
  /** Monotonic ms of the last report, or of the beginning. */
  readonly reportedAt: number;
  /** Monotonic ms of the last line. */
  readonly lastAt: number;
  /** Not reported yet. */
  readonly isNew: boolean;
}

/** ms without a skipped line after which a run has ended. */
const QUIET = 3000;
/** ms between two looks at the runs. */
const LOOK = 1000;
const MOST_RUNS = 1000;

/**
 * Reports lines that are too old for Loki: one message for all of a container's lines that are skipped in a row, and
 * the total so far for each interval that it takes longer.
 */
export class SkippedLog {
  readonly #options: SkippedLogOptions;
  readonly #runs = new Map<string, Run>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SkippedLogOptions) {
    this.#options = options;
  }

  add({ target, reason, lines, from, until }: UnstoredLines): void {
    const now = this.#options.clock.monotonic();
    const key = target.structuredMetadata['container_id'] ?? target.containerName;
    const run = this.#runs.get(key);
    if (run === undefined && this.#runs.size >= MOST_RUNS) this.close();
    this.#runs.set(key, {
      container: target.containerName,
      reason,
      lines: (run?.lines ?? 0) + lines,
      from: run === undefined || from < run.from ? from : run.from,
      until: run === undefined || until > run.until ? until : run.until,
      reportedAt: run?.reportedAt ?? now,
      lastAt: now,
      isNew: true,
    });
    this.#timer ??= setInterval(() => this.look(), LOOK).unref();
  }

  /** Reports the runs that have ended, and those that go on for long. */
  look(): void {
    const { clock, repeatInterval } = this.#options;
    const now = clock.monotonic();
    for (const [key, run] of this.#runs) {
      const hasEnded = now - run.lastAt >= QUIET;
      if (hasEnded) this.#runs.delete(key);
      else if (now - run.reportedAt < repeatInterval) continue;
      if (run.isNew) this.#report(run);
      if (!hasEnded) this.#runs.set(key, { ...run, reportedAt: now, isNew: false });
    }
    if (this.#runs.size === 0) this.#stop();
  }

  /** Reports what is not reported yet. */
  close(): void {
    for (const run of this.#runs.values()) if (run.isNew) this.#report(run);
    this.#runs.clear();
    this.#stop();
  }

  #report({ container, reason, lines, from, until }: Run): void {
    const count = lines.toLocaleString('en-US');
    const noun = lines === 1 ? 'line' : 'lines';
    this.#options.logger.warn(
      `${count} ${noun} from ${formatStamp(from)} to ${formatStamp(until)} skipped: ${reason}`,
      { container, lines },
    );
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
