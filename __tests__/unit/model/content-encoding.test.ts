import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { decodeBody, decodedText } from '../../../src/model/content-encoding.js';

const TEXT = Buffer.from('{"message":"größer als erlaubt"}');
const MAX = 64 * 1024;

const CODINGS: [string, string | undefined, (plain: Buffer) => Buffer][] = [
  ['none', undefined, (plain) => plain],
  ['identity', 'identity', (plain) => plain],
  ['gzip', 'gzip', (plain) => gzipSync(plain)],
  ['gzip by its old name, in capitals', ' X-GZIP ', (plain) => gzipSync(plain)],
  ['deflate', 'deflate', (plain) => deflateSync(plain)],
  ['deflate without the zlib header, as some servers send it', 'deflate', (plain) => deflateRawSync(plain)],
  ['br', 'br', (plain) => brotliCompressSync(plain)],
  ['one after the other', 'gzip, br', (plain) => brotliCompressSync(gzipSync(plain))],
];

describe('a body is decoded', () => {
  test.each(CODINGS)('%s', async (_, encoding, encode) => {
    expect(await decodeBody(encode(TEXT), encoding, MAX)).toEqual({ body: TEXT, end: 'whole' });
    const empty = Buffer.alloc(0);
    expect(await decodeBody(encode(empty), encoding, MAX)).toEqual({ body: empty, end: 'whole' });
    // What answers to HEAD or a proxy's 204 has: the header, and no body.
    expect(await decodeBody(empty, encoding, MAX)).toEqual({ body: empty, end: 'whole' });
  });

  test('of any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 100_000, size: 'max' }),
        fc.constantFrom(...CODINGS),
        async (bytes, [, encoding, encode]) => {
          const plain = Buffer.from(bytes);
          expect((await decodeBody(encode(plain), encoding, 100_000)).body.equals(plain)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('up to a bound', () => {
  test.each(CODINGS)('%s', async (_, encoding, encode) => {
    const exact = Buffer.alloc(50_000, 'x');
    expect(await decodeBody(encode(exact), encoding, 50_000)).toEqual({ body: exact, end: 'whole' });
    const { body, end } = await decodeBody(encode(Buffer.alloc(50_001, 'x')), encoding, 50_000);
    expect([body.equals(exact), end]).toEqual([true, 'too_large']);
  });

  test('a small body that expands to a large one costs no more than the bound', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const before = process.memoryUsage().arrayBuffers;
    const { body, end } = await decodeBody(bomb, 'gzip', 1000);
    expect([body.length, end]).toEqual([1000, 'too_large']);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });
});

describe('what cannot be decoded', () => {
  test('a body that was cut off: its beginning', async () => {
    const words = Buffer.from(Array.from({ length: 5000 }, (_, n) => `${(n * 7919) % 5003} boom`).join(' '));
    for (const [encoding, encoded] of [
      ['gzip', gzipSync(words)],
      ['deflate', deflateSync(words)],
      ['br', brotliCompressSync(words)],
    ] as const) {
      const { body, end } = await decodeBody(encoded.subarray(0, encoded.length / 2), encoding, MAX);
      expect(end).toBe('broken');
      expect(body.length).toBeGreaterThan(1000);
      expect(words.subarray(0, body.length).equals(body)).toBe(true);
    }
  });

  test.each(['gzip', 'deflate', 'br', 'gzip, br'])('bytes that are not %s', async (encoding) => {
    expect((await decodeBody(Buffer.from('plain text'), encoding, MAX)).end).toBe('broken');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        expect((await decodeBody(Buffer.from(bytes), encoding, 1000)).body.length).toBeLessThanOrEqual(1000);
      }),
      { numRuns: 50 },
    );
  });

  test.each(['zstd', 'compress', 'aes128gcm', 'gzip, zstd', 'gzip;q=1', '\u001b[31m'])(
    'an encoding that is not known: %j',
    async (encoding) => {
      expect(await decodeBody(TEXT, encoding, MAX)).toEqual({ body: Buffer.alloc(0), end: 'unknown' });
    },
  );

  test('more encodings than any server applies', async () => {
    const encoding = Array.from({ length: 100 }, () => 'identity').join(', ');
    expect(await decodeBody(TEXT, encoding, MAX)).toMatchObject({ end: 'unknown' });
  });
});

describe('the text for a message', () => {
  test('is what was decoded', async () => {
    expect(await decodedText(gzipSync('boom'), 'gzip', MAX)).toBe('boom');
    expect(await decodedText(gzipSync('x'.repeat(500)).subarray(0, 14), 'gzip', MAX)).toMatch(/^x+$/);
  });

  test('names the encoding where nothing could be decoded', async () => {
    expect(await decodedText(TEXT, 'zstd', MAX)).toBe('(a body in the encoding zstd)');
    expect(await decodedText(Buffer.from('plain'), 'gzip', MAX)).toBe(
      '(a damaged body in the encoding gzip)',
    );
    expect(await decodedText(TEXT, `z\u001b${'x'.repeat(500)}`, MAX)).toBe(
      `(a body in the encoding z${'x'.repeat(39)})`,
    );
  });
});
