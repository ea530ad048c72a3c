import fc from 'fast-check';
import type { EntrySink } from '../../src/docker/entry-sink.js';
import { formatStamp, NS_PER_SECOND } from '../../src/model/nanoseconds.js';

/** An entry as a test writes it and as a parser hands it over. */
export interface TestEntry {
  stream: 1 | 2;
  stamp: bigint;
  text: Buffer;
  terminated: boolean;
}

/** A frame of the multiplexed stream (moby: pkg/stdcopy). */
export function frame(stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

export function frameOf(entry: TestEntry): Buffer {
  return frame(
    entry.stream,
    Buffer.concat([
      Buffer.from(`${formatStamp(entry.stamp)} `),
      entry.text,
      Buffer.from(entry.terminated ? '\n' : ''),
    ]),
  );
}

/** Collects what a parser hands over. */
export class Collected implements EntrySink {
  readonly entries: TestEntry[] = [];

  entry(
    stream: 1 | 2,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void {
    this.entries.push({
      stream,
      stamp: BigInt(seconds) * NS_PER_SECOND + BigInt(nanos),
      text: Buffer.from(source.subarray(start, end)),
      terminated,
    });
  }
}

/** Cuts a body into pieces at arbitrary places. */
export function cut(body: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((n) => n % (body.length + 1)))].sort((a, b) => a - b);
  const pieces: Buffer[] = [];
  let from = 0;
  for (const place of [...places, body.length]) {
    pieces.push(Buffer.from(body.subarray(from, place)));
    from = place;
  }
  return pieces;
}

export const anyStamp = fc.bigInt({ min: 1_500_000_000_000_000_000n, max: 1_900_000_000_000_000_000n });

/** Any text that a line may have: no newline, else any bytes. */
export const anyText = fc
  .uint8Array({ maxLength: 80 })
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a)));
