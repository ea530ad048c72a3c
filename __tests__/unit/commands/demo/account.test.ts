import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Account, type AccountLine, type WrittenLine } from '../../../../src/commands/demo/account.js';
import { gapText } from '../../../../src/collector/gap.js';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';

const SECOND = 1_700_000_000;

function line(text: string, over: Partial<WrittenLine> = {}): WrittenLine {
  return { containerId: 'a', stream: 1, seconds: SECOND, nanos: 0, text, due: true, ...over };
}

/** The account of lines that were written and lines that Loki has. */
async function settle(
  written: readonly WrittenLine[],
  inLoki: readonly AccountLine[],
  refused: readonly AccountLine[] = [],
  canBeChecked?: (line: AccountLine) => boolean,
) {
  const account = new Account(written.length, canBeChecked);
  for (const each of written) account.wrote(each);
  for (const each of inLoki) account.found(each);
  for (const each of refused) account.refused(each, 'too old');
  const tally = await account.close(async (visit) => written.forEach(visit));
  // Whatever happens, each written line is in one place.
  const { folded, named, rejected, lost, twice, unknown, inLoki: found } = tally;
  expect(folded + (found - twice - unknown) + named + rejected + lost).toBe(tally.written);
  return tally;
}

/** A mark in Loki, of a gap between two nanoseconds of the second. */
function mark(from: number, to: number, containerId = 'a'): AccountLine {
  const at = (nanos: number): bigint => BigInt(SECOND) * NS_PER_SECOND + BigInt(nanos);
  const gap = { cause: 'rotated', lastDelivered: at(from), firstAvailable: at(to) } as const;
  return line(gapText('web', gap), { containerId, nanos: to - 1 });
}

describe('the account', () => {
  test('all that was written is there', async () => {
    const lines = ['one', 'two', ''].map((text, nanos) => line(text, { nanos }));
    expect(await settle(lines, lines)).toMatchObject({
      written: 3,
      inLoki: 3,
      lost: 0,
      twice: 0,
      unknown: 0,
    });
  });

  test.each<[string, Partial<WrittenLine>]>([
    ['container', { containerId: 'b' }],
    ['stream', { stream: 2 }],
    ['second', { seconds: SECOND + 1 }],
    ['nanosecond', { nanos: 1 }],
    ['text', { text: 'other' }],
  ])('a line of another %s is another line', async (_what, over) => {
    const tally = await settle([line('one')], [line('one', over)]);
    expect(tally).toMatchObject({ written: 1, inLoki: 1, lost: 1, unknown: 1 });
    expect(tally.samples.lost).toMatchObject([line('one')]);
    expect(tally.samples.unknown).toMatchObject([{ ...line('one'), ...over }]);
  });

  test('twice is each time more than once', async () => {
    const [a, b] = [line('a'), line('b')];
    expect(await settle([a, b], [a, b, a, a])).toMatchObject({ written: 2, inLoki: 4, twice: 2, lost: 0 });
  });

  test('equal lines of one nanosecond are one to Loki', async () => {
    const tally = await settle([line('x'), line('x'), line('x')], [line('x')]);
    expect(tally).toMatchObject({ written: 3, folded: 2, inLoki: 1, lost: 0, twice: 0 });
  });

  test('equal lines of which Loki kept several, in blocks that it does not compare, are there twice only past what was written', async () => {
    const [x, y] = [line('x'), line('y')];
    const several = await settle([x, x, x, y], [x, y, x]);
    expect(several).toMatchObject({ written: 4, folded: 1, inLoki: 3, lost: 0, twice: 0 });
    const more = await settle([x, x, y], [x, x, x, y, y]);
    expect(more).toMatchObject({ written: 3, folded: 0, inLoki: 5, lost: 0, twice: 2 });
  });

  test('a gap that is marked names what is missing in it, of that container, and nothing else', async () => {
    const lines = [10, 20, 30, 40].map((nanos) => line('x', { nanos }));
    const others = [20, 30].map((nanos) => line('x', { nanos, containerId: 'b' }));
    const tally = await settle([...lines, ...others], [lines[0]!, mark(10, 40), others[0]!]);
    expect(tally).toMatchObject({ written: 6, inLoki: 2, named: 3, lost: 1, gaps: 1, unknown: 0 });
    expect(tally.samples.lost).toMatchObject([others[1]!]);
    expect(await settle(lines, [lines[0]!, mark(10, 39)])).toMatchObject({ named: 2, lost: 1 });
    expect(await settle(lines, [lines[0]!, mark(10, 40, 'b')])).toMatchObject({ named: 0, lost: 3 });
  });

  test('a refused line is not lost; one that is there all the same is there', async () => {
    const [a, b] = [line('a'), line('b')];
    const tally = await settle([a, b], [a], [a, b, line('of another run')]);
    expect(tally).toMatchObject({ written: 2, inLoki: 1, rejected: 1, rejectedReason: 'too old', lost: 0 });
  });

  test('what was written behind the last poll is not missed, and counts where it is there', async () => {
    const behind = ['a', 'b'].map((text) => line(text, { due: false }));
    const due = line('c');
    expect(await settle([...behind, due], [due])).toMatchObject({
      written: 1,
      inLoki: 1,
      behind: 2,
      lost: 0,
    });
    const tally = await settle([...behind, due], [due, behind[0]!]);
    expect(tally).toMatchObject({ written: 2, inLoki: 2, behind: 1, lost: 0, twice: 0 });
    // Equal to one that is due.
    expect(await settle([line('c', { due: false }), due], [])).toMatchObject({
      written: 1,
      lost: 1,
      behind: 0,
    });
  });

  test('what cannot be checked counts nowhere else', async () => {
    const rotated = line('old');
    const tally = await settle([line('a')], [line('a'), rotated, rotated], [], ({ text }) => text !== 'old');
    expect(tally).toMatchObject({ written: 1, inLoki: 1, unchecked: 2, unknown: 0, twice: 0 });
  });

  test('bytes that are no UTF-8 may have become one sign or several', async () => {
    expect(await settle([line('a\ufffd\ufffdb')], [line('a\ufffdb')])).toMatchObject({ inLoki: 1, lost: 0 });
  });

  test('any losses, repetitions and inventions are found, however many', async () => {
    const anyLine = fc.record({
      containerId: fc.constantFrom('a', 'b'),
      stream: fc.constantFrom<1 | 2>(1, 2),
      nanos: fc.integer({ min: 0, max: 40 }),
      text: fc.constantFrom('', 'x', 'y'),
      /** How often Loki has it. */
      times: fc.integer({ min: 0, max: 3 }),
      invented: fc.boolean(),
    });
    const keyOf = ({ containerId, stream, nanos, text }: Omit<AccountLine, 'seconds'>): string =>
      JSON.stringify([containerId, stream, nanos, text]);
    const identity = ({ containerId, stream, nanos }: Omit<AccountLine, 'seconds'>) => ({
      containerId,
      stream,
      nanos,
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyLine, { selector: keyOf }), async (some) => {
        const written = some
          .filter(({ invented }) => !invented)
          .map((each) => line(each.text, identity(each)));
        const inLoki = some.flatMap((each) =>
          Array.from({ length: each.times }, () => line(each.text, identity(each))),
        );
        const count = (sum: (each: (typeof some)[number]) => number): number =>
          some.reduce((total, each) => total + sum(each), 0);
        expect(await settle(written, inLoki)).toMatchObject({
          written: written.length,
          inLoki: inLoki.length,
          lost: count(({ invented, times }) => (!invented && times === 0 ? 1 : 0)),
          twice: count(({ invented, times }) => (invented ? 0 : Math.max(0, times - 1))),
          unknown: count(({ invented, times }) => (invented ? times : 0)),
        });
      }),
    );
  });

  test('a few of very many are shown', async () => {
    const lines = Array.from({ length: 1000 }, (_, nanos) => line('x', { nanos }));
    const tally = await settle(lines, []);
    expect(tally.lost).toBe(1000);
    expect(tally.samples.lost).toHaveLength(5);
  });
});
