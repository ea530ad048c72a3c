import { hash } from 'node:crypto';

/**
 * The fingerprint of an entry's text: 16 hexadecimal digits. Stamp and stream are compared beside it, so that
 * 64 bits are ample. Computed only for the entries of an anchor and for those that share a stamp with one.
 */
export function fingerprint(source: Buffer, start: number, end: number): string {
  return hash('sha256', source.subarray(start, end), 'hex').slice(0, 16);
}
