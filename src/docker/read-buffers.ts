/** One read takes what has gathered meanwhile, at most so much. A Unix socket holds about 45 KiB of log frames. */
export const READ_BYTES = 64 * 1024;
/** So many lie here unused at most: as many as there are polls at a time. */
const KEPT = 16;

const free: Buffer[] = [];

/** A buffer to read into, with anything in it. Used again and again: a new one for each poll is work for the collector of garbage. */
export function takeReadBuffer(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
}

/** Gives back a buffer that nobody looks at any more. */
export function giveReadBuffer(buffer: Buffer): void {
  if (free.length < KEPT) free.push(buffer);
}
