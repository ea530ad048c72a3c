import fc from 'fast-check';
import { recordBytes } from '../../../src/collector/record-size.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { rfc3339Nano } from '../../../src/simulators/engine/container-json.js';
import type { LogLimit } from '../../../src/model/container.js';

const JSON_FILE: LogLimit = { format: 'json-file', fileBytes: 1, files: 2, attributeBytes: 0 };
const LOCAL: LogLimit = { ...JSON_FILE, format: 'local' };

function sizeOf(limit: LogLimit, text: string, { nanos = 1, tty = false, terminated = true } = {}): number {
  const source = Buffer.from(`before${text}after`);
  const end = source.length - 'after'.length;
  return recordBytes(limit, tty, nanos, source, 'before'.length, end, terminated);
}

/** A record as Go writes it, which escapes more than JSON must. */
function goRecord(log: string, nanos: number): string {
  const escaped = JSON.stringify(log).replace(/[<>&\u2028\u2029]|\\[tbf]/g, (what) =>
    what.length > 1 ? '\\u0009' : `\\u${what.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const time = rfc3339Nano(1_700_000_000n * NS_PER_SECOND + BigInt(nanos));
  return `{"log":${escaped},"stream":"stdout","time":"${time}"}\n`;
}

test('of json-file: what the Engine writes, to the byte', () => {
  const character = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 3 }),
    fc.constantFrom(
      '"',
      '\\',
      '<',
      '>',
      '&',
      '\t',
      '\r',
      '\u0001',
      '\u001b[33m',
      '\u2028',
      '\u2029',
      '\u2027',
      'ü€😀',
    ),
  );
  fc.assert(
    fc.property(
      fc.array(character).map((parts) => parts.join('').replaceAll('\ufffd', '').replaceAll('\n', '')),
      fc.constantFrom(0, 1, 120_000_000, 123_456_780, 999_999_999),
      fc.boolean(),
      fc.boolean(),
      (text, nanos, tty, terminated) => {
        const log = `${text}${terminated ? `${tty ? '\r' : ''}\n` : ''}`;
        const written = Buffer.byteLength(goRecord(log, nanos));
        expect(sizeOf(JSON_FILE, text, { nanos, tty, terminated })).toBe(written);
      },
    ),
  );
});

test('of json-file: what was not UTF-8 counts as the Engine wrote it', () => {
  expect(sizeOf(JSON_FILE, '\ufffd') - sizeOf(JSON_FILE, '')).toBe('\\ufffd'.length);
});

test('of json-file: with the attributes of each entry', () => {
  expect(sizeOf({ ...JSON_FILE, attributeBytes: 70 }, 'x')).toBe(sizeOf(JSON_FILE, 'x') + 70);
});

test.each([
  ['x', 29],
  ['"<\t', 31],
  ['x'.repeat(127), 155],
  ['x'.repeat(128), 157],
])('of local: %j takes %s bytes', (text, bytes) => {
  expect(sizeOf(LOCAL, text)).toBe(bytes);
});
