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
  const beginning = async (tail: number): Promise<Beginning> => {
    const seen = new Beginning();
    const { id: containerId, name: containerName, tty } = container;
    const { fault } = await read({ containerId, containerName, tty, tail, signal }, seen);
    seen.complete = fault === undefined;
    return seen;
  };
  for (const slack of SLACK) {
    const all = await beginning(window);
    const more = all.entries + 1 + slack;
    if (!all.complete || more > window) return false;
    const asked = await beginning(more);
    const again = await beginning(window);
    if (!asked.complete || !again.complete) return false;
    const isSame = again.isLike(all) && again.entries - all.entries <= slack;
    if (isSame) return !asked.isLike(all);
  }
  return false;
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
