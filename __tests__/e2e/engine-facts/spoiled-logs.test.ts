import { describe, expect, jest, test } from '@jest/globals';
import {
  chunkAt,
  containerWithLog,
  describeEngines,
  gzip,
  lineAt,
  sinceAt,
  stampAt,
  texts,
  textsOrError,
} from '../../support/engines/index.js';
import type { RunningEngine, TestContainer } from '../../support/engines/index.js';

// What Pollard takes for granted about a real Engine: see since-and-tail.test.ts.

jest.setTimeout(120_000);

/** 23 to 27.3 end the answer at a line they cannot decode; older and newer ones go on with the next file. */
const endsAtCorruptLine = (engine: RunningEngine): boolean => engine.atLeast(23) && !engine.atLeast(27, 4);
/** Up to 27.3 every compressed file is opened for each request, even for the tail of the current one. */
const opensEveryFile = (engine: RunningEngine): boolean => !engine.atLeast(27, 4);

describeEngines('Engine facts: a corrupt line in a json-file log', (engine) => {
  const spoilt: Record<string, string> = {
    'NUL bytes in it': '{"log":"torn","stream":"std\0\0\0\n',
    'nothing but NUL bytes': `${'\0'.repeat(100)}\n`,
    'no JSON': 'garbage\n',
    'its end missing': '{"log":"to\n',
  };

  describe.each(Object.entries(spoilt))('with %s', (_, raw) => {
    const spoiltLog = [lineAt(1, 'a'), lineAt(2, 'b'), { raw }, lineAt(3, 'c'), lineAt(4, 'd')];

    test('the rest of its file is lost without a word, or the answer ends there: a 200 proves nothing', async () => {
      const container = await containerWithLog(
        engine(),
        { current: [lineAt(5, 'e'), lineAt(6, 'f')], rotated: [{ lines: spoiltLog }] },
        { 'max-size': '1m', 'max-file': '3' },
      );
      const seen = await textsOrError(container);
      // The error overtakes good lines, or is itself swallowed: which of them is left to chance.
      if (endsAtCorruptLine(engine())) expect(['', 'a', 'a,b']).toContain(seen.filter(isLine).join());
      else expect(seen).toEqual(['a', 'b', 'e', 'f']);
    });

    test('tail reaches what lies behind it, and finds nothing of that file once the window holds it', async () => {
      const container = await containerWithLog(engine(), { current: spoiltLog });
      expect(await texts(container, { tail: '1' })).toEqual(['d']);
      expect(await texts(container, { tail: '2' })).toEqual(['c', 'd']);
      expect((await textsOrError(container, { tail: '3' })).filter(isLine)).toEqual([]);
      // The corrupt line counts as an entry of the window.
      expect(['', 'b']).toContain((await textsOrError(container, { tail: '4' })).filter(isLine).join());
    });

    test('since alone cannot pass it', async () => {
      const container = await containerWithLog(engine(), { current: spoiltLog });
      expect((await textsOrError(container, { since: sinceAt(4) })).filter(isLine)).toEqual([]);
    });
  });

  test('a line that is JSON with a wrong time costs 20.10 only that line', async () => {
    const container = await containerWithLog(engine(), {
      current: [
        lineAt(1, 'a'),
        { raw: '{"log":"x\\n","stream":"stdout","time":"nonsense"}\n' },
        lineAt(2, 'b'),
      ],
    });
    const seen = (await textsOrError(container)).filter(isLine);
    if (engine().atLeast(23)) expect(seen).not.toContain('b');
    else expect(seen).toEqual(['a', 'b']);
  });

  test('of a long line, a chunk with a wrong time costs 20.10 only that chunk: the others have one stamp still', async () => {
    const container = await containerWithLog(engine(), {
      current: [
        chunkAt(1, 'first '),
        { raw: '{"log":"second ","stream":"stdout","time":"nonsense"}\n' },
        chunkAt(1, 'last\n'),
      ],
    });
    const seen = (await textsOrError(container)).filter(isLine);
    if (engine().atLeast(23)) expect(seen).not.toContain('last');
    else expect(seen).toEqual(['first ', 'last']);
    // For `tail` it counts.
    expect((await textsOrError(container, { tail: '2' })).filter(isLine)).toEqual(
      engine().atLeast(23) ? [] : ['last'],
    );
  });

  test('an empty line does no harm', async () => {
    const container = await containerWithLog(engine(), {
      current: [lineAt(1, 'a'), { raw: '\n' }, lineAt(2, 'b')],
    });
    expect(await texts(container)).toEqual(['a', 'b']);
  });
});

describeEngines('Engine facts: a spoiled .gz among the rotated files', (engine) => {
  const withSpoiled = async (spoiled: Buffer): Promise<TestContainer> =>
    await containerWithLog(
      engine(),
      {
        current: [lineAt(5, 'e'), lineAt(6, 'f')],
        rotated: [
          { lines: [lineAt(4, 'd')], compressed: { lastTime: stampAt(4) } },
          { lines: [], spoiled },
        ],
      },
      { 'max-size': '1m', 'max-file': '4', compress: 'true' },
    );

  const cut = gzip([lineAt(1, 'a'), lineAt(2, 'b')], stampAt(2)).subarray(0, -12);
  test.each([
    ['that is none', Buffer.from('this is no gzip file')],
    ['that is empty', Buffer.alloc(0)],
    ['that is cut short', cut],
  ])(
    '%s: up to 27.3 the log cannot be read at all, later only past the window of tail',
    async (_, spoiled) => {
      const container = await withSpoiled(spoiled);
      // Nothing but the error, and by chance not even that: an empty answer of 200 from a log that is full.
      const refused = ['', 'ERROR'];
      const seen = async (tail: string): Promise<string> => (await textsOrError(container, { tail })).join();
      expect(refused).toContain(await seen('all'));
      expect(refused).toContain(await seen('4'));
      if (opensEveryFile(engine())) expect(refused).toContain(await seen('3'));
      else expect(await seen('3')).toBe('d,e,f');
    },
  );

  test('one with a good header is passed by a since behind its last stamp', async () => {
    const container = await withSpoiled(cut);
    expect(await textsOrError(container, { since: sinceAt(3) })).toEqual(
      // 20.10 loses the newer rotated files with it: see since-and-tail.test.ts.
      engine().atLeast(23) ? ['d', 'e', 'f'] : ['e', 'f'],
    );
  });
});

function isLine(text: string): boolean {
  return text !== 'ERROR';
}
