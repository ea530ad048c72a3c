import { describe, expect, test } from '@jest/globals';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { pollContainer, type PollContext, type PollReport } from '../../../src/collector/poll.js';
import type { Gap } from '../../../src/collector/gap.js';
import type { LogsRequest } from '../../../src/collector/log-source.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { refOf } from '../../support/any-container.js';
import { cursorOf } from '../../support/any-cursor.js';
import { never } from '../../support/engine-api.js';
import { ModelLog } from '../../support/model-log.js';
import { ObjectBatch, StrictLoki } from '../../support/strict-loki.js';

/** Entries of an anchor; a poll without new entries asks for 16 more. */
const ANCHOR = 8;
const T = 1_700_000_000n * NS_PER_SECOND;

/** One container of which only the cursor, and what the last poll learned of its log, survives a poll. */
class Polled {
  readonly log = new ModelLog();
  readonly loki = new StrictLoki();
  readonly gaps: Gap[] = [];
  readonly asked: LogsRequest[] = [];
  cursor: Cursor = { ...cursorOf(0, 0), anchor: [] };
  reach: number | undefined;
  #lines = 0;

  constructor(semantics: 'filter' | 'seek') {
    this.log.semantics = semantics;
  }

  /** Writes chunks of one line; the line is left open. */
  chunks(stamp: bigint, texts: readonly string[], stream: 1 | 2 = 1): void {
    for (const text of texts) {
      this.log.entries.push({ stream, stamp, text: Buffer.from(text), terminated: false });
    }
  }

  endLine(stamp: bigint, text: string, stream: 1 | 2 = 1): void {
    this.log.entries.push({ stream, stamp, text: Buffer.from(text), terminated: true });
  }

  /** Writes whole lines, each with a stamp and a text of its own. */
  lines(count: number, stream: 1 | 2 = 1): void {
    for (let i = 0; i < count; i++) {
      this.#lines++;
      this.endLine(T + BigInt(this.#lines), `line ${this.#lines}`, stream);
    }
  }

  /** @param entries cuts the answers after so many */
  async poll(entries = Infinity): Promise<PollReport> {
    this.log.cutAfter = entries;
    const report = await pollContainer(this.#context(), {
      container: { ...refOf(), plainLog: true },
      cursor: this.cursor,
      expected: 0,
      reach: this.reach,
      ended: false,
      verify: false,
      suspect: false,
      tailTrouble: undefined,
      signal: never,
    });
    this.reach = report.reach;
    return report;
  }

  get stored(): string[] {
    return [...this.loki.stored.values()].map(({ text }) => text);
  }

  #context(): PollContext {
    return {
      read: async (request, sink) => {
        this.asked.push(request);
        return await this.log.read(request, sink);
      },
      newBatch: (_container, name) => new ObjectBatch(name, 1000, 1800n * NS_PER_SECOND),
      push: async (batch) => Promise.resolve(this.loki.accept((batch as ObjectBatch).lines)),
      commit: async (next) => {
        await Promise.resolve();
        this.cursor = next;
      },
      onGap: (_container, gap) => this.gaps.push(gap),
      budget: new MemoryBudget(1_000_000),
      clock: { now: () => T, monotonic: () => 0, sleep: async () => undefined },
      settings: {
        anchor: ANCHOR,
        batchBytes: 200,
        batchAge: 60_000,
        maxSpan: 1800n * NS_PER_SECOND,
        maxWaiting: 2,
        maxLineBytes: 1_000_000,
        moveEqualStamps: false,
        gapMarker: false,
      },
      sinceSemantics: () => this.log.semantics,
      poll: { window: { enabled: true, anchor: ANCHOR }, overlap: 2n * NS_PER_SECOND, openMaxAge: 1e12 },
    };
  }
}

const STAMP = T + NS_PER_SECOND + 5n;
const equal = (count: number): string[] => new Array<string>(count).fill('A');
/** `hello` over and over, in chunks of a length that is no multiple of its own. */
const periodic = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => ['hell', 'ohel', 'lohe', 'lloh', 'ello'][i % 5] as string);

describe.each(['filter', 'seek'] as const)('a log with chunks that are equal (%s)', (semantics) => {
  describe.each([
    { what: 'one letter', chunksOf: equal },
    { what: 'a text that repeats', chunksOf: periodic },
  ])('$what', ({ chunksOf }) => {
    test.each([
      { before: 0, first: 1, more: 40 },
      { before: 0, first: 12, more: 40 },
      { before: 1, first: 1, more: 40 },
      { before: 1, first: 12, more: 40 },
      { before: 50, first: 1, more: 40 },
      { before: 50, first: 5, more: 60 },
      { before: 50, first: 30, more: 10 },
      { before: 50, first: 30, more: 300 },
      { before: 50, first: 400, more: 400 },
    ])(
      'none is lost or delivered twice: $first chunks after $before lines, then $more',
      async ({ before, first, more }) => {
        const polled = new Polled(semantics);
        const { log } = polled;
        polled.lines(before);
        await polled.poll();
        const texts = chunksOf(first + more);
        polled.chunks(STAMP, texts.slice(0, first));
        await polled.poll();
        polled.chunks(STAMP, texts.slice(first));
        polled.endLine(STAMP, 'end');
        await polled.poll();
        polled.lines(3);
        await polled.poll();
        expect(polled.stored.filter((text) => !text.startsWith('line'))).toEqual([`${texts.join('')}end`]);
        expect(polled.stored).toHaveLength(before + 4);
        expect([...polled.loki.sent.values()].filter((times) => times > 1)).toEqual([]);
        expect(polled.gaps).toEqual([]);
        expect(log.entries).toHaveLength(before + first + more + 4);
      },
    );

    test('an answer that breaks off at any chunk is continued', async () => {
      for (let cut = 1; cut < 60; cut++) {
        const polled = new Polled(semantics);
        polled.lines(20);
        const texts = chunksOf(100);
        polled.chunks(STAMP, texts);
        polled.endLine(STAMP, 'end');
        await polled.poll(20 + cut);
        await polled.poll();
        expect(polled.stored.at(-1)).toBe(`${texts.join('')}end`);
        expect(polled.gaps).toEqual([]);
      }
    });

    test.each([
      { where: 'at the beginning of the log', before: 0, ends: [] },
      { where: 'after other lines', before: 50, ends: [] },
      { where: 'after other lines, ended', before: 50, ends: ['end'] },
    ])('a poll without news is one request, $where', async ({ before, ends }) => {
      const polled = new Polled(semantics);
      polled.lines(before);
      await polled.poll();
      polled.chunks(STAMP, chunksOf(200));
      for (const text of ends) polled.endLine(STAMP, text);
      await polled.poll();
      for (let polls = 0; polls < 3; polls++) {
        const { log, asked } = polled;
        const [sent, requests] = [log.sent, asked.length];
        expect(await polled.poll()).toMatchObject({ fresh: 0, widenings: 0 });
        expect(asked).toHaveLength(requests + 1);
        // The line from its beginning on, and little more.
        expect(log.sent - sent).toBeLessThanOrEqual(200 + before);
        expect(log.sent - sent).toBeLessThan(240);
      }
    });

    test('without what the last poll learned, the window is widened once, not without end', async () => {
      const polled = new Polled(semantics);
      polled.lines(50);
      polled.chunks(STAMP, chunksOf(100));
      await polled.poll();
      polled.reach = undefined;
      expect(await polled.poll()).toMatchObject({ fresh: 0, widenings: 1, requests: 2 });
      expect(await polled.poll()).toMatchObject({ fresh: 0, widenings: 0, requests: 1 });
    });

    test('of the first entries of a stream after many of the other one, all are delivered', async () => {
      const polled = new Polled(semantics);
      polled.lines(500);
      await polled.poll();
      const texts = chunksOf(60);
      polled.chunks(STAMP, texts.slice(0, 20), 2);
      await polled.poll();
      polled.chunks(STAMP, texts.slice(20), 2);
      await polled.poll();
      polled.endLine(STAMP, 'end', 2);
      await polled.poll();
      expect(polled.stored.at(-1)).toBe(`${texts.join('')}end`);
      expect(polled.gaps).toEqual([]);
      const { asked } = polled;
      // Once the line has ended, its beginning is no longer looked for in the whole log.
      const requests = asked.length;
      expect(await polled.poll()).toMatchObject({ fresh: 0, widenings: 0, requests: 1 });
      expect(asked[requests]).toHaveProperty('tail');
    });
  });

  test('a poll of a log with one line is one request, also where a second one was written', async () => {
    const polled = new Polled(semantics);
    polled.lines(1);
    await polled.poll();
    expect(await polled.poll()).toMatchObject({ fresh: 0, requests: 1 });
    polled.lines(1);
    expect(await polled.poll()).toMatchObject({ fresh: 1, requests: 1 });
    polled.lines(60);
    expect(await polled.poll()).toMatchObject({ fresh: 60, gaps: 0 });
    expect(polled.stored).toHaveLength(62);
  });

  test.each([
    { what: 'equal', text: () => 'tick' },
    { what: 'three by turns', text: (i: number) => `line ${i % 3}` },
    { what: 'unlike', text: (i: number) => `line ${i}` },
  ])('lines with timestamps of whole seconds: none is lost or delivered twice ($what)', async ({ text }) => {
    const polled = new Polled(semantics);
    let written = 0;
    const write = (count: number, second: bigint): void => {
      for (let i = 0; i < count; i++) polled.endLine(T + second * NS_PER_SECOND, text(written++));
    };
    for (const [second, counts] of [
      [0n, [1, 1, 0, 40, 40, 0]],
      [1n, [100, 0, 30, 300, 1]],
      [2n, [5, 50, 0]],
      [9n, [1]],
    ] as const) {
      for (const count of counts) {
        write(count, second);
        const { widenings } = await polled.poll();
        if (count === 0) expect(widenings).toBe(0);
        expect(polled.stored).toHaveLength(written);
      }
    }
    expect([...polled.loki.sent.values()].filter((times) => times > 1)).toEqual([]);
    expect(polled.gaps).toEqual([]);
  });
});
