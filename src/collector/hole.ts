import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef } from '../model/container.js';
import type { LogSource } from './log-source.js';

/** How many entries may be written while it is found out; as many may be passed over unnoticed. */
const SLACK = [0, 16, 256];

/**
 * Whether the Engine passes over entries in the middle of the log's last `window` ones. Engine 20.10 begins anew
 * with its decoder at a damaged entry; the new one has lost what the old one had read ahead, and goes on where by
 * chance it meets the beginning of an entry (moby v20.10: daemon/logger/jsonfilelog/read.go). So there is no
 * error, and the end of the log is shown.
 *
 * Such an answer has fewer entries than it was asked for, as that of a log that has no more. But of such a log one
 * more than these can be asked for, and the answer begins with the same entry. A third look, equal to the first,
 * tells that the log was not rotated in between. In doubt there is no hole.
 */
export async function hasHole(
  read: LogSource,
  container: ContainerRef,
  window: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (const slack of SLACK) {
    const all = await beginningOf(read, container, window, signal);
    const more = all.entries + 1 + slack;
    if (!all.complete || more > window) return false;
    const asked = await beginningOf(read, container, more, signal);
    const again = await beginningOf(read, container, window, signal);
    if (!asked.complete || !again.complete) return false;
    const isSame = again.isLike(all) && again.entries - all.entries <= slack;
    if (isSame) return !asked.isLike(all);
  }
  return false;
}

/**
 * Up to so many entries of a whole log are looked through for a hole, entries: a first read of more, or one behind a
 * rotation, would be read three times more.
 */
const LARGEST_WHOLE = 10_000;

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

/** Whether the last `tail` entries are all that the log has. In doubt they are not. */
export async function isWholeLog(
  read: LogSource,
  container: ContainerRef,
  tail: number,
  signal: AbortSignal,
): Promise<boolean> {
  const all = await beginningOf(read, container, undefined, signal);
  const end = await beginningOf(read, container, tail, signal);
  return all.complete && end.complete && all.entries === end.entries && all.isLike(end);
}

async function beginningOf(
  read: LogSource,
  { id: containerId, name: containerName, tty }: ContainerRef,
  tail: number | undefined,
  signal: AbortSignal,
): Promise<Beginning> {
  const seen = new Beginning();
  const which = tail === undefined ? {} : { tail };
  const { fault } = await read({ containerId, containerName, tty, ...which, signal }, seen);
  seen.complete = fault === undefined;
  return seen;
}

/** The first entry of an answer, and how many there are. */
class Beginning implements EntrySink {
  complete = false;
  entries = 0;
  #stream = 0;
  #seconds = 0;
  #nanos = 0;

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
