import fc from 'fast-check';
import { Digests } from '../../../src/audit/digests.js';
import { FingerprintTable } from '../../../src/audit/fingerprint-table.js';
import { Fingerprinter } from '../../../src/audit/fingerprinter.js';
import { EqualLines } from '../../../src/audit/repeats.js';

const of = (stream: 1 | 2, seconds: number, nanos: number, text: string | Buffer): string => {
  const prints = new Fingerprinter();
  if (typeof text === 'string') prints.ofText(stream, seconds, nanos, text);
  else prints.ofBytes(stream, seconds, nanos, text, 0, text.length);
  return prints.words.join();
};

describe('a fingerprint', () => {
  test('is the same of bytes and of the text they are, and takes only its part of the source', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, around) => {
        const prints = new Fingerprinter();
        const [before, inside] = [Buffer.from(around), Buffer.from(text)];
        const source = Buffer.concat([before, inside, before]);
        prints.ofBytes(1, 1_700_000_000, 5, source, before.length, before.length + inside.length);
        expect(prints.words.join()).toBe(of(1, 1_700_000_000, 5, text));
      }),
    );
  });

  test('differs with stream, second, nanosecond and text', () => {
    const all = [
      of(1, 1, 1, 'a'),
      of(2, 1, 1, 'a'),
      of(1, 2, 1, 'a'),
      of(1, 1, 2, 'a'),
      of(1, 1, 1, 'b'),
      of(1, 1, 1, ''),
      of(1, 1, 1, 'a '.repeat(10_000)),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test.each([
    ['one byte', Buffer.from([0x61, 0xff, 0x62]), 'a\ufffdb'],
    ['two bytes, a U+FFFD each, as Go has it', Buffer.from([0x61, 0xff, 0xfe, 0x62]), 'a\ufffd\ufffdb'],
    ['a rune cut short, one U+FFFD or one a byte', Buffer.from([0x61, 0xe2, 0x82]), 'a\ufffd\ufffd'],
    ['U+FFFD that the driver had put there', Buffer.from('a\ufffd\ufffdb'), 'a\ufffdb'],
  ])('does not see how broken UTF-8 was replaced: %s', (_, bytes, text) => {
    expect(of(1, 1, 1, bytes)).toBe(of(1, 1, 1, text));
  });
});

const anyWords = fc
  .tuple(fc.nat({ max: 20 }), fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.nat({ max: 1 }))
  .map((words) => Uint32Array.from(words));

describe('the table of fingerprints', () => {
  test('is a map with so much room', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.tuple(anyWords, fc.integer({ min: 1, max: 255 }), fc.boolean())),
        (room, steps) => {
          const table = new FingerprintTable(room);
          const model = new Map<string, number>();
          for (const [words, state, change] of steps) {
            const key = words.join();
            const known = model.get(key);
            expect(table.find(words) >= 0).toBe(known !== undefined);
            const answer = table.add(words, state);
            if (known !== undefined) expect(answer).toBe('known');
            else if (model.size === room) expect(answer).toBe('full');
            else {
              expect(answer).toBe('added');
              model.set(key, state);
            }
            const slot = table.find(words);
            if (slot < 0) continue;
            if (change) {
              table.setState(slot, state);
              model.set(key, state);
            }
            expect(table.stateOf(slot)).toBe(model.get(key));
          }
          expect(table.size).toBe(model.size);
          for (const state of new Set(model.values())) {
            const same = [...model.values()].filter((each) => each === state).length;
            expect(table.count(state)).toBe(same);
          }
        },
      ),
    );
  });

  test('takes what it says, and has room for what so many bytes hold', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (entries) => {
        expect(new FingerprintTable(entries).bytes).toBe(FingerprintTable.bytesFor(entries));
      }),
    );
    for (const bytes of [100, 1000, 65_536, 33_554_432]) {
      const entries = FingerprintTable.entriesIn(bytes);
      expect(FingerprintTable.bytesFor(entries)).toBeLessThanOrEqual(bytes);
      expect(entries).toBeGreaterThan(bytes / 17 / 6);
    }
    expect(FingerprintTable.entriesIn(0)).toBe(1);
  });
});

describe('digests', () => {
  test('are equal exactly where the sets of lines are, however they are divided', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 12 })),
        fc.uniqueArray(fc.nat({ max: 12 })),
        fc.nat({ max: 12 }),
        (one, other, cut) => {
          const prints = new Fingerprinter();
          const digest = (numbers: readonly number[]): Digests => {
            const digests = new Digests(2);
            for (const number of numbers) {
              prints.ofText(1, 1, 1, String(number));
              digests.add(1, prints.words, 10, false);
            }
            return digests;
          };
          const same = [...one].sort().join() === [...other].sort().join();
          const parts = [other.filter((n) => n < cut), other.filter((n) => n >= cut)].map(digest);
          expect(digest(one).equals(1, ...parts)).toBe(same);
          expect(digest(one).equals(0, ...parts)).toBe(true);
        },
      ),
    );
  });

  test('count repetitions apart', () => {
    const digests = new Digests(1);
    const words = Uint32Array.of(1, 2, 3, 4);
    digests.add(0, words, 10, false);
    const once = new Digests(1);
    once.add(0, words, 10, false);
    digests.add(0, words, 10, true);
    expect(digests.equals(0, once)).toBe(true);
    expect([digests.linesIn(0), digests.distinctIn(0), digests.bytesIn(0)]).toEqual([2, 1, 20]);
  });
});

describe('equal lines of one stamp', () => {
  test('are noticed while the stamp lasts, also with others between them', () => {
    const equal = new EqualLines();
    const seen = (nanos: number, text: string): boolean => {
      const prints = new Fingerprinter();
      prints.ofText(1, 1, nanos, text);
      return equal.repeats(1, nanos, prints.words);
    };
    expect(seen(1, 'a')).toBe(false);
    expect(seen(1, 'b')).toBe(false);
    expect(seen(1, 'a')).toBe(true);
    expect(seen(1, 'b')).toBe(true);
    expect(seen(2, 'a')).toBe(false);
    expect(seen(1, 'a')).toBe(false);
  });
});
