import { NS_PER_SECOND } from '../model/nanoseconds.js';
import { readRejectedLines } from '../loki/rejected-reader.js';
import type { RejectedLine } from '../loki/rejected-record.js';

const MINUTE = 60n * NS_PER_SECOND;
/** Beside its text, what a line takes while it is held: its labels are shared, the rest is not. */
const RECORD_BYTES = 500;

/** What a rejected-lines file holds, as one look at it shows. */
export interface RejectedOverview {
  readonly lines: number;
  /** Lines that are none of Pollard's, or torn. */
  readonly unreadable: number;
  /** Refused lines by kind. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Bytes by minute of the stamp. */
  readonly minutes: ReadonlyMap<bigint, number>;
}

/** @throws PollardError `rejected_file_unusable` */
export async function surveyRejected(path: string, signal: AbortSignal): Promise<RejectedOverview> {
  const kinds = new Map<string, number>();
  const minutes = new Map<bigint, number>();
  let lines = 0;
  const file = readRejectedLines(path);
  for await (const record of file) {
    signal.throwIfAborted();
    lines++;
    kinds.set(record.kind, (kinds.get(record.kind) ?? 0) + 1);
    const minute = minuteOf(record);
    minutes.set(minute, (minutes.get(minute) ?? 0) + sizeOf(record));
  }
  return { lines, unreadable: file.unreadable, kinds, minutes };
}

/**
 * Reads the lines in the order of their stamps, or nearly so, however large the file is: slice after slice of
 * time, each as large as there is room for, each read from the file anew and sorted. Only a minute that alone is
 * larger than the room comes in several pieces, each sorted; Loki takes lines within an hour in any order.
 *
 * @param maxBytes how much is held at once
 * @throws PollardError `rejected_file_unusable`
 */
export async function* inOrder(
  path: string,
  { minutes }: RejectedOverview,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<RejectedLine[]> {
  for (const { from, until } of slices(minutes, maxBytes)) {
    let held: RejectedLine[] = [];
    let bytes = 0;
    for await (const record of readRejectedLines(path)) {
      signal.throwIfAborted();
      const minute = minuteOf(record);
      if (minute < from || minute > until) continue;
      held.push(record);
      bytes += sizeOf(record);
      if (bytes < maxBytes) continue;
      yield held.sort(byStamp);
      held = [];
      bytes = 0;
    }
    if (held.length > 0) yield held.sort(byStamp);
  }
}

/** Stretches of minutes, both ends included, from the oldest to the newest. */
function* slices(
  minutes: ReadonlyMap<bigint, number>,
  maxBytes: number,
): Generator<{ from: bigint; until: bigint }> {
  const sorted = [...minutes].sort(([a], [b]) => (a < b ? -1 : 1));
  let open: { from: bigint; until: bigint; bytes: number } | undefined;
  for (const [minute, bytes] of sorted) {
    if (open !== undefined && open.bytes + bytes >= maxBytes) {
      yield open;
      open = undefined;
    }
    open =
      open === undefined
        ? { from: minute, until: minute, bytes }
        : { from: open.from, until: minute, bytes: open.bytes + bytes };
  }
  if (open !== undefined) yield open;
}

function minuteOf({ stamp }: RejectedLine): bigint {
  return stamp / MINUTE;
}

function sizeOf({ line }: RejectedLine): number {
  return line.length + RECORD_BYTES;
}

function byStamp(a: RejectedLine, b: RejectedLine): number {
  return a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0;
}
