import type { LogLimit } from '../model/container.js';

/** Bytes a second that a container whose rate is not known may write: as quickly as a daemon takes in short lines. */
const UNKNOWN_RATE = 10_000_000;
/** A poll should come when so much of what the log is sure to keep was written. */
const SHARE = 1 / 2;
/** What stands around the text of an entry in a file, bytes, about. */
const FRAME_BYTES = 75;

/** What is known of how quickly a container writes. */
export interface WritingRate {
  /** Entries a second; undefined before the second poll. */
  readonly entries: number | undefined;
  /** Lines of the last poll, and their bytes. */
  readonly lines: number;
  readonly bytes: number;
}

/**
 * How long the next poll may wait, ms, so that nothing is rotated away before it is read: a log keeps what was written
 * last for as long as it takes to fill all its files but one.
 */
export function longestPause({ fileBytes, files }: LogLimit, { entries, lines, bytes }: WritingRate): number {
  const kept = fileBytes * Math.max(1, files - 1);
  const each = FRAME_BYTES + (lines > 0 ? bytes / lines : 0);
  const rate = entries === undefined ? UNKNOWN_RATE : entries * each;
  return rate > 0 ? (kept * SHARE * 1000) / rate : Infinity;
}
