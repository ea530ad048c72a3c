import { formatStamp, NS_PER_SECOND, parseStamp, type Nanoseconds } from '../model/nanoseconds.js';
import { gapSpan, isGapText } from './gap.js';

/**
 * The beginning of a container's log, of which it is not known whether all of it was delivered: when the log was first
 * read, it held as much as it can, so that older entries may have been rotated away.
 */
export interface PossibleGap {
  /** When the container was made, ns: there is nothing older. */
  readonly from: Nanoseconds;
  /** Stamp of the first entry that was read, ns. */
  readonly firstAvailable: Nanoseconds;
  /** How long the container may have written before that, ms. */
  readonly span: number;
  /** What the log holds at most, bytes. */
  readonly limit: number;
}

const MARK = 'pollard: possible gap: lines of container ';
const SPAN = / between (\S+) and (\S+) may be missing: /;

/**
 * The line put into the container's own stream where lines may be missing. It is made of what does not change, so that
 * it is the same at every replay.
 */
export function possibleGapText(
  containerName: string,
  { from, firstAvailable, limit }: Omit<PossibleGap, 'span'>,
): string {
  const span = `between ${formatStamp(from)} and ${formatStamp(firstAvailable)}`;
  const reason = `the log holds at most ${shownLimit(limit)}, and was perhaps rotated before it was first read`;
  return `${MARK}${containerName} ${span} may be missing: ${reason}`;
}

/** That line with its stamp. @param stamp ns */
export function possibleGapLine(
  containerName: string,
  gap: Omit<PossibleGap, 'span'>,
  stamp: Nanoseconds,
): { readonly seconds: number; readonly nanos: number; readonly text: Buffer } {
  return {
    seconds: Number(stamp / NS_PER_SECOND),
    nanos: Number(stamp % NS_PER_SECOND),
    text: Buffer.from(possibleGapText(containerName, gap)),
  };
}

/** Whether a line is such a marker, of any container. */
export function isPossibleGapText(line: string): boolean {
  return line.startsWith(MARK);
}

/** Whether Pollard put the line there itself, to mark a gap or a possible one. */
export function isMarkerText(line: string): boolean {
  return isGapText(line) || isPossibleGapText(line);
}

/** Between which stamps lines are missing, or may be, as a marker says; undefined for any other line. */
export function markedSpan(line: string): ReturnType<typeof gapSpan> {
  if (!isPossibleGapText(line)) return gapSpan(line);
  const [, from = '', to = ''] = SPAN.exec(line) ?? [];
  const [lastDelivered, firstAvailable] = [parseStamp(from), parseStamp(to)];
  if (lastDelivered === undefined || firstAvailable === undefined) return undefined;
  return { lastDelivered, firstAvailable };
}

/** A size in the units in which `max-size` is given: `40 kB`. */
export function shownLimit(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))} ${units[unit] as string}`;
}
