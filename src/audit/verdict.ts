import type { StreamNumber } from '../docker/entry-sink.js';

/** What is known of a line of the Engine's; kept in seven bits. */
export const Verdict = {
  /** Must be in Loki. */
  waiting: 1,
  /** Need not be in Loki yet. */
  pending: 2,
  found: 3,
  missing: 4,
  /** Was missing and was sent. */
  sent: 5,
  /** Was sent and is there. */
  repaired: 6,
  stillPending: 7,
  crowded: 8,
  expired: 9,
  changed: 10,
  inPieces: 11,
} as const;

/** From here to 127: refused, each number for a kind of refusal. */
export const FIRST_KIND = 32;
export const LAST_KIND = 127;

/** Verdict and stream in one byte. */
export function inStream(verdict: number, stream: StreamNumber): number {
  return stream === 1 ? verdict : verdict | 0x80;
}
