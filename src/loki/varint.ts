/**
 * Protocol Buffers' varints over plain numbers ("Encoding", Base 128 Varints). Numbers below 2^31, which is
 * everything but seconds before 1970 and after 2038, take the short way.
 */

const LIMIT = 2 ** 31;

/** Bytes of a whole number as a varint; a negative one always takes ten. */
export function varintSize(value: number): number {
  if (value >= 0 && value < LIMIT) {
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
  }
  return largeSize(value);
}

/** Writes a whole number at a place; returns the place behind it. */
export function writeVarint(target: Buffer, at: number, value: number): number {
  if (value < 0 || value >= LIMIT) return writeLarge(target, at, value);
  let rest = value;
  let place = at;
  while (rest > 0x7f) {
    target[place++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[place++] = rest;
  return place;
}

/** A field of wire type 2: tag, length, content. */
export function lengthDelimited(field: number, content: Buffer): Buffer {
  const head = Buffer.alloc(1 + varintSize(content.length));
  head[0] = (field << 3) | 2;
  writeVarint(head, 1, content.length);
  return Buffer.concat([head, content]);
}

/** Reads a varint forwards; `at` is behind it afterwards. Of trusted bytes: those that Pollard wrote itself. */
export class VarintReader {
  readonly #source: Buffer;
  at: number;

  constructor(source: Buffer, at: number) {
    this.#source = source;
    this.at = at;
  }

  /** Up to 2^53, and negative numbers of 64 bits. */
  next(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.#source[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return this.#large(BigInt(value));
  }

  #large(low: bigint): number {
    let value = low;
    for (let shift = 35n; shift < 70n; shift += 7n) {
      const byte = this.#source[this.at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return Number(BigInt.asIntN(64, value));
  }
}

function largeSize(value: number): number {
  if (value < 0) return 10;
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeLarge(target: Buffer, at: number, value: number): number {
  let rest = BigInt.asUintN(64, BigInt(value));
  let place = at;
  while (rest > 0x7fn) {
    target[place++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  target[place++] = Number(rest);
  return place;
}
