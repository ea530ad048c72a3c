import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef } from '../model/container.js';
import { isDaemonError, mayBeDamage } from './answer-faults.js';
import type { LogSource } from './log-source.js';

/** How many entries may be written while it is found out; so many that are passed over stay unnoticed then. */
const SLACK = [0, 16, 256];
/** So often the same is asked for, where the daemon has an error: one that passes by is not there each time. */
const TIMES = 3;

/**
 * Whether the Engine passes over entries in the middle of the log's last `window` ones. Engine 20.10 begins anew
 * with its decoder at an entry that is no JSON; the new one has lost what the old one had read ahead, and goes on
 * where by chance it meets the beginning of an entry. One that is JSON, but no log line, it passes over alone (moby
 * v20.10: daemon/logger/jsonfilelog/read.go). So there is no error, and the end of the log is shown.
 *
 * Such an answer has fewer entries than it was asked for, as that of a log that has no more. But of such a log as
 * many as these can be asked for, or one more, and the answer is the same. Behind a hole one of both is not: what is
 * passed over counts for `tail`, so that the answer begins later, or among what is passed over. One more look, equal
 * to the first, tells that the log was not rotated in between. That the first entry of a log alone is passed over does
 * not show.
 *
 * @returns undefined when it could not be found out now
 * @throws LookCutShort when an answer did not come to its end
 */
export async function hasHole(
  read: LogSource,
  container: ContainerRef,
  window: number,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  for (const slack of SLACK) {
    const all = await wholeBeginningOf(read, container, window, signal);
    if (all.entries >= window) return false;
    const some = all.entries + slack;
    if (some >= window) return undefined;
    const others = [
      await wholeBeginningOf(read, container, some, signal),
      await wholeBeginningOf(read, container, some + 1, signal),
    ];
    const again = await wholeBeginningOf(read, container, window, signal);
    const isSame = again.isLike(all) && again.entries - all.entries <= slack;
    if (isSame) return others.some((other) => !other.isLike(all) || other.entries < all.entries);
  }
  return undefined;
}

/**
 * Up to so many entries of a whole log are looked through for a hole, entries: a first read of more, or one behind a
 * rotation, would be read three times more.
 */
export const LARGEST_WHOLE = 10_000;

/**
 * How wide to look for a hole behind an answer.
 *
 * @param window that was asked for, entries; undefined: the whole log was
 * @param answered entries that came
 * @returns undefined where there is nothing to look for, or too much
 */
export function windowForHole(window: number | undefined, answered: number): number | undefined {
  if (window !== undefined) return answered < window ? window : undefined;
  return answered <= LARGEST_WHOLE ? answered + 1 + 2 * Math.max(...SLACK) : undefined;
}

/**
 * Whether the last `tail` entries are all that the log has; one that is damaged has more. Rejects when an answer was cut
 * short otherwise.
 */
export async function isWholeLog(
  read: LogSource,
  container: ContainerRef,
  tail: number,
  signal: AbortSignal,
): Promise<boolean> {
  const all = await beginningOf(read, container, undefined, signal);
  const end = await beginningOf(read, container, tail, signal);
  for (const { fault } of [all, end]) if (fault !== undefined && !mayBeDamage(fault)) throw fault;
  return all.complete && end.complete && all.entries === end.entries && all.isLike(end);
}

async function wholeBeginningOf(...asked: Parameters<typeof beginningOf>): Promise<Beginning> {
  const seen = await beginningOf(...asked);
  if (seen.fault !== undefined) throw new LookCutShort(seen.fault);
  return seen;
}

/** A look was cut short, and so tells nothing. */
export class LookCutShort extends Error {
  /** What the answer ended with. */
  readonly fault: Error;

  constructor(fault: Error) {
    super(fault.message, { cause: fault });
    this.name = 'LookCutShort';
    this.fault = fault;
  }
}

/** Asks again where the daemon has an error that may pass by. */
async function beginningOf(
  read: LogSource,
  { id: containerId, name: containerName, tty }: ContainerRef,
  tail: number | undefined,
  signal: AbortSignal,
): Promise<Beginning> {
  const which = tail === undefined ? {} : { tail };
  for (let times = 1; ; times++) {
    const seen = new Beginning();
    const { fault } = await read({ containerId, containerName, tty, ...which, signal }, seen);
    seen.fault = fault;
    if (fault === undefined || !isDaemonError(fault) || times === TIMES) return seen;
  }
}

/** The first entry of an answer, and how many there are. */
class Beginning implements EntrySink {
  fault: Error | undefined;
  entries = 0;
  #stream = 0;
  #seconds = 0;
  #nanos = 0;

  get complete(): boolean {
    return this.fault === undefined;
  }

  entry(stream: StreamNumber, seconds: number, nanos: number): void {
    if (this.entries++ > 0) return;
    this.#stream = stream;
    this.#seconds = seconds;
    this.#nanos = nanos;
  }

  letGo(): void {
    // Nothing of the text is kept.
  }

  isLike(other: Beginning): boolean {
    return this.#stream === other.#stream && this.#seconds === other.#seconds && this.#nanos === other.#nanos;
  }
}
