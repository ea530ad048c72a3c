import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StreamCopier } from '../../../../src/simulators/engine/copier.js';
import { CHUNK_BYTES, type LogEntry } from '../../../../src/simulators/engine/entry.js';

function copier(chunksShareStamp = true): { entries: LogEntry[]; copier: StreamCopier } {
  const entries: LogEntry[] = [];
  return {
    entries,
    copier: new StreamCopier('stdout', { chunksShareStamp }, (entry) => entries.push(entry)),
  };
}
const shape = (entries: LogEntry[]): unknown[] =>
  entries.map((entry) => [entry.text.length, entry.terminated, entry.partial, entry.stampNs]);
const x = (count: number): Buffer => Buffer.alloc(count, 'x');
const line = (count: number): Buffer => Buffer.concat([x(count), Buffer.from('\n')]);

describe('the copier (moby: daemon/logger/copier.go)', () => {
  test('a line is stamped when its newline is found', () => {
    const { entries, copier: c } = copier();
    c.write(Buffer.from('begin'), 1n);
    expect(entries).toEqual([]);
    c.write(Buffer.from(' end\nnext\n'), 2n);
    expect(entries.map((entry) => [entry.text.toString(), entry.stampNs])).toEqual([
      ['begin end', 2n],
      ['next', 2n],
    ]);
    expect(entries.every((entry) => entry.terminated && !entry.partial)).toBe(true);
  });

  test('a long line comes in chunks of 16384 bytes, all with the stamp of the first, however late', () => {
    const { entries, copier: c } = copier();
    c.write(x(2 * CHUNK_BYTES + 100), 1n);
    c.write(line(5), 99n);
    c.write(line(1), 100n);
    expect(shape(entries)).toEqual([
      [CHUNK_BYTES, false, true, 1n],
      [CHUNK_BYTES, false, true, 1n],
      [105, true, true, 1n],
      [1, true, false, 100n],
    ]);
  });

  test('journald stamps each chunk', () => {
    const { entries, copier: c } = copier(false);
    c.write(x(CHUNK_BYTES), 1n);
    c.write(line(5), 2n);
    expect(entries.map((entry) => entry.stampNs)).toEqual([1n, 2n]);
  });

  test('one byte less is a line; exactly 16384 bytes give a chunk and an empty last chunk', () => {
    const short = copier();
    short.copier.write(line(CHUNK_BYTES - 1), 1n);
    expect(shape(short.entries)).toEqual([[CHUNK_BYTES - 1, true, false, 1n]]);
    const exact = copier();
    exact.copier.write(line(CHUNK_BYTES), 1n);
    expect(shape(exact.entries)).toEqual([
      [CHUNK_BYTES, false, true, 1n],
      [0, true, true, 1n],
    ]);
  });

  test('the last words of a process have no newline, and are no beginning of what the next run writes', () => {
    const { entries, copier: c } = copier();
    c.write(x(CHUNK_BYTES + 3), 1n);
    c.end(5n);
    c.write(Buffer.from('last'), 6n);
    c.end(7n);
    c.end(8n);
    expect(shape(entries)).toEqual([
      [CHUNK_BYTES, false, true, 1n],
      [3, false, true, 1n],
      [4, false, true, 7n],
    ]);
  });

  test('nothing is lost and no chunk is too long, wherever the writes are cut', () => {
    const anyBytes = fc.array(fc.oneof(fc.constant(line(0)), fc.nat(40_000).map(x), fc.constant(line(7))));
    fc.assert(
      fc.property(anyBytes, (writes) => {
        const { entries, copier: c } = copier();
        for (const bytes of writes) c.write(bytes, 1n);
        c.end(2n);
        const text = entries.map((entry) => entry.text.toString() + (entry.terminated ? '\n' : '')).join('');
        expect(text).toBe(Buffer.concat(writes).toString());
        for (const entry of entries) expect(entry.text.length).toBeLessThanOrEqual(CHUNK_BYTES);
      }),
    );
  });
});
