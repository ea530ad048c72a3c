import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gapText } from '../../../src/collector/gap.js';
import { Ledger } from '../../bench/soak/ledger.js';

const line = (speaker: string, number: number): string => `${speaker} ${number} ......`;

/** Of one speaker, the numbers 1 to `count` in an order that is mostly that. */
const anyOrder = fc
  .tuple(fc.nat({ max: 60 }), fc.array(fc.nat({ max: 59 }), { maxLength: 10 }))
  .map(([count, moved]) => {
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    for (const place of moved) if (place < count) numbers.push(...numbers.splice(place, 1));
    return numbers;
  });

test('what was written and delivered once, in whatever order, is neither lost nor twice nor unknown', () => {
  fc.assert(
    fc.property(anyOrder, anyOrder, (first, second) => {
      const ledger = new Ledger();
      for (const number of first) ledger.add(line('a 1 1', number));
      for (const number of second) ledger.add(line('a 1 2', number));
      const written = new Map([
        ['a 1 1', first.length],
        ['a 1 2', second.length],
      ]);
      const total = first.length + second.length;
      expect(ledger.account(written)).toEqual({
        written: total,
        delivered: total,
        lost: 0,
        twice: 0,
        unknown: 0,
        gaps: 0,
        examples: [],
      });
      expect(ledger.holds('a 1 1', first.length)).toBe(true);
      expect(ledger.holds('a 1 1', first.length + 1)).toBe(false);
    }),
  );
});

test('each line lost, twice or unknown is counted as such, wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('once', 'lost', 'twice'), { minLength: 1, maxLength: 60 }),
      fc.nat({ max: 5 }),
      (fates, behind) => {
        const ledger = new Ledger();
        fates.forEach((fate, i) => {
          if (fate !== 'lost') ledger.add(line('a 1 1', i + 1));
        });
        fates.forEach((fate, i) => {
          if (fate === 'twice') ledger.add(line('a 1 1', i + 1));
        });
        for (let i = 1; i <= behind; i++) ledger.add(line('a 1 1', fates.length + i));
        const count = (wanted: string) => fates.filter((fate) => fate === wanted).length;
        const account = ledger.account(new Map([['a 1 1', fates.length]]));
        expect(account).toMatchObject({
          written: fates.length,
          delivered: count('once') + 2 * count('twice') + behind,
          lost: count('lost'),
          twice: count('twice'),
          unknown: behind,
        });
        expect(account.examples).toHaveLength(
          [count('lost'), count('twice'), behind].filter((lines) => lines > 0).length,
        );
      },
    ),
  );
});

describe('what is no numbered line of a known speaker', () => {
  test('a marker of a gap', () => {
    const ledger = new Ledger();
    ledger.add(gapText('a', { cause: 'rotated', lastDelivered: 1n, firstAvailable: 2n }));
    expect(ledger.account(new Map())).toMatchObject({ gaps: 1, unknown: 0 });
  });

  test('anything else, and a speaker that never was', () => {
    const ledger = new Ledger();
    ledger.add('boo');
    ledger.add(line('b 1 1', 1));
    expect(ledger.account(new Map())).toMatchObject({ unknown: 2, gaps: 0 });
  });

  test('a speaker of whom nothing came', () => {
    expect(new Ledger().account(new Map([['a 1 1', 7]]))).toMatchObject({ written: 7, lost: 7 });
  });
});
