import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, encodeCursor, MAX_CURSOR_BYTES } from '../../../src/cursors/codec.js';
import { CursorCorrupt, CursorTooNew } from '../../../src/cursors/cursor-errors.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { anyCursor, cursorOf } from '../../support/any-cursor.js';
import { runs } from '../../support/effort.js';

const decode = (text: string | Uint8Array): Cursor =>
  decodeCursor(typeof text === 'string' ? Buffer.from(text) : text);

function reasonOf(bytes: string | Uint8Array): string {
  try {
    decode(bytes);
  } catch (error) {
    if (error instanceof CursorCorrupt) return error.reason;
    throw error;
  }
  return 'good';
}

/** The file's JSON, changed by hand. */
function edited(change: (file: { version: unknown; cursor: Record<string, unknown> }) => void): string {
  const file = JSON.parse(encodeCursor(cursorOf(1, 5))) as Parameters<typeof change>[0];
  change(file);
  return `${JSON.stringify(file)}\n`;
}

describe('the text of a cursor', () => {
  test('gives back every cursor, to the nanosecond and the byte', () => {
    fc.assert(
      fc.property(anyCursor, (cursor) => {
        expect(decode(encodeCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  test('is one line of JSON with its version', () => {
    const text = encodeCursor(cursorOf(1, 123456789012345678901n));
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({ version: 1, cursor: { committedAt: '123456789012345678901' } });
  });

  test('is read again after a formatter went over it', () => {
    const text = JSON.stringify(JSON.parse(encodeCursor(cursorOf(1, 5))), undefined, 2);
    expect(decode(text)).toEqual(cursorOf(1, 5));
  });
});

test('a file of the largest size is read', () => {
  const text = encodeCursor(cursorOf(1, 5)).trimEnd();
  expect(decode(`${text.padEnd(MAX_CURSOR_BYTES - 1)}\n`)).toEqual(cursorOf(1, 5));
});

describe('what is no cursor is refused with a reason', () => {
  const good = encodeCursor(cursorOf(1, 5));

  // grafana/loki#6268, #1460: a positions file of NUL bytes, or cut short, and the collector crashed in a loop.
  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'empty'],
    ['NULs of the file’s length', Buffer.alloc(300), 'nul_bytes'],
    [
      'NULs behind a good beginning',
      Buffer.concat([Buffer.from(good.slice(0, 50)), Buffer.alloc(50)]),
      'nul_bytes',
    ],
    ['half of it', good.slice(0, good.length / 2), 'cut_short'],
    ['all but the last brace', good.slice(0, -2), 'cut_short'],
    ['cut within a UTF-8 letter', Buffer.from('{"version":1,"cursor":"é').subarray(0, -1), 'cut_short'],
    ['other text', 'hello\n', 'not_json'],
    ['other bytes', Buffer.from([0xff, 0xfe, 0x0a]), 'not_json'],
    [
      'a byte in a string that is not UTF-8',
      Buffer.from(good.replace('"c1"', '"c\xff"'), 'latin1'),
      'not_json',
    ],
    ['a byte order mark before it', `\ufeff${good}`, 'not_json'],
    ['other JSON', '[]\n', 'not_a_cursor'],
    ['null', 'null\n', 'not_a_cursor'],
    ['an older format that never was', edited((file) => (file.version = 0)), 'not_a_cursor'],
    ['a version that is no number', edited((file) => (file.version = '2')), 'not_a_cursor'],
    ['another position', edited((file) => (file.cursor['committedAt'] = '6')), 'bad_checksum'],
    ['a field more', edited((file) => (file.cursor['more'] = 1)), 'bad_checksum'],
    ['too much', Buffer.alloc(MAX_CURSOR_BYTES + 1, 0x20), 'too_large'],
  ])('%s', (_, bytes, reason) => {
    expect(reasonOf(bytes)).toBe(reason);
  });

  test('cut short anywhere', () => {
    for (let length = 1; length < good.length - 1; length++) {
      expect(reasonOf(good.slice(0, length))).toBe('cut_short');
    }
    // Only the newline is missing: whole.
    expect(decode(good.slice(0, -1))).toEqual(cursorOf(1, 5));
  });

  test('one changed byte: refused, or it meant nothing', () => {
    const bytes = Buffer.from(good);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = changed[at]! ^ flip;
        try {
          expect(decode(changed)).toEqual(cursorOf(1, 5));
        } catch (error) {
          const typed = error instanceof CursorCorrupt || error instanceof CursorTooNew;
          if (!typed) throw error;
        }
      }),
    );
  });

  test('any bytes and any JSON: a typed error', () => {
    const fuzz = fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      fc.json().map((json) => Buffer.from(json)),
      fc.jsonValue().map((cursor) => Buffer.from(JSON.stringify({ version: 1, sha256: '', cursor }))),
      fc
        .tuple(fc.nat(good.length), fc.uint8Array({ maxLength: 20 }))
        .map(([at, bytes]) => Buffer.concat([Buffer.from(good.slice(0, at)), bytes])),
    );
    fc.assert(
      fc.property(fuzz, (bytes) => {
        try {
          expect(decode(bytes)).toEqual(cursorOf(1, 5));
        } catch (error) {
          if (!(error instanceof CursorCorrupt || error instanceof CursorTooNew)) throw error;
        }
      }),
      { numRuns: runs(500) },
    );
  });
});

test('the format of a later Pollard is not damage: it says to upgrade', () => {
  const later = `${JSON.stringify({ version: 2, anything: 'else' })}\n`;
  expect(() => decode(later)).toThrow(CursorTooNew);
  expect(() => decode(later)).toThrow('has format 2; this Pollard knows formats up to 1');
  try {
    decode(later);
  } catch (error) {
    expect(error).toMatchObject({ code: 'cursor_too_new', exit: 'state', setting: 'collector.state_dir' });
    expect((error as CursorTooNew).hint).toContain('upgrade Pollard');
  }
});
