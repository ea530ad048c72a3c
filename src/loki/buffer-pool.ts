const SMALLEST = 4096;

/**
 * Buffers that are used again, in sizes of powers of two, so that a catch-up of hundreds of megabytes works in
 * the memory of a few batches.
 */
export class BufferPool {
  readonly #maxKeptBytes: number;
  readonly #free = new Map<number, Buffer[]>();
  #keptBytes = 0;

  /** @param maxKeptBytes what may lie here unused; more is left to the garbage collector */
  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  /** Bytes that lie here unused. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** A buffer of at least so many bytes, with anything in it. */
  take(bytes: number): Buffer {
    const size = sizeFor(bytes);
    const kept = this.#free.get(size)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    return kept;
  }

  /** Gives back a buffer that came from here and that nobody looks at any more. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (size !== sizeFor(size) || this.#keptBytes + size > this.#maxKeptBytes) return;
    const kept = this.#free.get(size);
    if (kept === undefined) this.#free.set(size, [buffer]);
    else kept.push(buffer);
    this.#keptBytes += size;
  }
}

function sizeFor(bytes: number): number {
  let size = SMALLEST;
  while (size < bytes) size *= 2;
  return size;
}
