import type { LogSource } from '../../collector/log-source.js';
import { boundedSignal } from '../../collector/bounded-signal.js';
import { PollardError } from '../../model/errors.js';
import type { ContainerRef } from '../../model/container.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';

/** The part of a container's log that is older than Loki accepts, of what is still to be collected. */
export interface OldLog {
  readonly lines: number;
  /** The log was read past the limit; else there may be more such lines. */
  readonly isExact: boolean;
  /** The first timestamp. */
  readonly from: Nanoseconds;
  /** The last one that was looked at. */
  readonly until: Nanoseconds;
}

export interface OldLogOptions {
  readonly read: LogSource;
  readonly container: ContainerRef;
  /** Lines with an older timestamp are too old for Loki. */
  readonly before: Nanoseconds;
  /** What is not newer was delivered, or is not wanted; undefined: the log is collected from its beginning. */
  readonly after: Nanoseconds | undefined;
}

/** Read of a log, at most: bytes of the lines, and ms. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_MS = 5000;
/** So many younger lines in a row show that the old ones are past: a few may be out of order. */
const YOUNG_ENOUGH = 100;

/**
 * Counts the lines at the beginning of a log that are too old for Loki, with bounded effort: a log is in the order of
 * its timestamps, so the reading ends soon after the limit. A log without old lines costs the Engine one short answer.
 *
 * @returns undefined when there are none
 * @throws the signal's reason when it aborts
 */
export async function oldLog(options: OldLogOptions, signal: AbortSignal): Promise<OldLog | undefined> {
  const { read, container, before, after } = options;
  const enough = new AbortController();
  const bounded = boundedSignal([signal, enough.signal], MOST_MS);
  let lines = 0;
  let bytes = 0;
  let young = 0;
  let from: Nanoseconds | undefined;
  let until: Nanoseconds = 0n;
  let isWhole = false;
  try {
    const answer = await read(
      {
        containerId: container.id,
        containerName: container.name,
        tty: container.tty,
        ...(after === undefined ? {} : { since: after }),
        signal: bounded.signal,
      },
      {
        entry: (_stream, seconds, nanos, _source, start, end, terminated) => {
          if (enough.signal.aborted) return;
          const stamp = BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
          bytes += end - start;
          if (after !== undefined && stamp <= after) return;
          if (stamp < before) {
            young = 0;
            from ??= stamp;
            until = stamp;
            if (terminated) lines++;
          } else young++;
          if (young >= YOUNG_ENOUGH || bytes >= MOST_BYTES) enough.abort(new Error('enough was read'));
        },
        letGo: () => undefined,
      },
    );
    isWhole = answer.fault === undefined;
  } catch (error) {
    // What was read is good; whether the log can be read at all is found out by a look at its end.
    if (!bounded.signal.aborted && !(error instanceof PollardError)) throw error;
  } finally {
    bounded.release();
  }
  signal.throwIfAborted();
  if (from === undefined) return undefined;
  return { lines, isExact: isWhole || young >= YOUNG_ENOUGH, from, until };
}
