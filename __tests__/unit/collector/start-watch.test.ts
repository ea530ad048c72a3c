import fc from 'fast-check';
import { recordBytes } from '../../../src/collector/record-size.js';
import { StartWatch } from '../../../src/collector/start-watch.js';
import type { PossibleGap } from '../../../src/collector/possible-gap.js';
import type { LogLimit } from '../../../src/model/container.js';
import type { LogStart } from '../../../src/model/cursor.js';
import { NS_PER_MS, NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { refOf } from '../../support/any-container.js';
import { cursorOf } from '../../support/any-cursor.js';

const STARTED = 1_700_000_000n * NS_PER_SECOND;

interface Entry {
  readonly stamp: bigint;
  readonly text: Buffer;
}

const limitOf = (fileBytes: number, files: number, format: LogLimit['format'] = 'json-file'): LogLimit => ({
  format,
  fileBytes,
  files,
  attributeBytes: 0,
});

/** A log of the Engine with its files. */
class Rotating {
  readonly limit: LogLimit;
  readonly files: Entry[][] = [[]];
  rotations = 0;
  lost = 0;
  #bytes = 0;

  constructor(limit: LogLimit) {
    this.limit = limit;
  }

  write(entry: Entry): void {
    if (this.#bytes >= this.limit.fileBytes) {
      this.rotations++;
      this.#bytes = 0;
      this.files.push([]);
      while (this.files.length > this.limit.files) this.lost += this.files.shift()?.length ?? 0;
    }
    const nanos = Number(entry.stamp % NS_PER_SECOND);
    this.#bytes += recordBytes(this.limit, false, nanos, entry.text, 0, entry.text.length, true);
    this.files.at(-1)?.push(entry);
  }

  get entries(): Entry[] {
    return this.files.flat();
  }
}

/** What is said of the beginning of a log that holds these entries. */
function judged(limit: LogLimit, entries: readonly Entry[], cutAt = entries.length): PossibleGap | undefined {
  let gap: PossibleGap | undefined;
  let start: LogStart | undefined;
  for (const part of [entries.slice(0, cutAt), entries.slice(cutAt)]) {
    const watch = new StartWatch({
      container: { ...refOf({ startedAt: STARTED, createdAt: STARTED - NS_PER_SECOND }), logLimit: limit },
      cursor: { ...cursorOf(1, 1), ...(start === undefined ? {} : { start }) },
      next: { entry: () => undefined },
      lines: undefined,
      maxSpan: NS_PER_SECOND,
      report: (found) => {
        expect(gap).toBeUndefined();
        gap = found;
      },
    });
    for (const { stamp, text } of part) {
      const seconds = Number(stamp / NS_PER_SECOND);
      watch.entry(1, seconds, Number(stamp % NS_PER_SECOND), text, 0, text.length, true);
    }
    start = watch.counted;
    if (gap !== undefined) return gap;
    if (part.length > 0 && entries.at(-1) === part.at(-1)) watch.end();
  }
  return gap;
}

const texts = fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { minLength: 1, maxLength: 60 });

function rotating(limit: LogLimit, lines: readonly string[]): Rotating {
  const log = new Rotating(limit);
  lines.forEach((text, i) => log.write({ stamp: STARTED + BigInt(i) * NS_PER_MS, text: Buffer.from(text) }));
  return log;
}

test('of several files: every loss is named, and none where the log was never rotated', () => {
  const losses = { real: 0, none: 0 };
  fc.assert(
    fc.property(
      texts,
      // Which share of the lines a file holds, about: in most logs some are lost, in many no file is rotated.
      fc.double({ min: 0.05, max: 1.5, noNaN: true }),
      fc.integer({ min: 2, max: 5 }),
      fc.constantFrom('json-file' as const, 'local' as const),
      fc.nat(60),
      (lines, share, files, format, cutAt) => {
        const bytes = lines.reduce((sum, text) => sum + 75 + Buffer.byteLength(text), 0);
        const limit = limitOf(Math.ceil(bytes * share), files, format);
        const log = rotating(limit, lines);
        const gap = judged(limit, log.entries, cutAt);
        if (log.lost > 0) losses.real++;
        if (log.rotations === 0) losses.none++;
        if (log.lost > 0) expect(gap).toMatchObject({ firstAvailable: log.entries[0]?.stamp });
        if (log.rotations < files - 1) expect(gap).toBeUndefined();
      },
    ),
    { numRuns: 500 },
  );
  // Otherwise this has proved nothing.
  expect(losses.real).toBeGreaterThan(50);
  expect(losses.none).toBeGreaterThan(50);
});

describe('of one file, which is emptied when it is full', () => {
  /** So many lines of 71 + 9 bytes in a file of 20 kB, the first of them so many µs after the start. */
  const lines = (count: number, firstAfter: bigint, apart: bigint): Entry[] =>
    Array.from({ length: count }, (_, i) => ({
      stamp: STARTED + 1000n * (firstAfter + BigInt(i) * apart),
      text: Buffer.from('some text'),
    }));

  test.each<[string, Entry[], boolean]>([
    ['three lines of a container that starts', lines(3, 2000n, 20n), false],
    ['a hundred lines, a line a second from the start on', lines(100, 300_000n, 1_000_000n), false],
    ['half full', lines(140, 2000n, 1000n), true],
    ['a third full, by a burst that began before', lines(80, 20_000n, 20n), true],
    ['a third full, by a trickle that began an hour before', lines(80, 3_600_000_000n, 1_000_000n), true],
  ])('%s', (_, entries, possible) => {
    expect(judged(limitOf(20_000, 1), entries) !== undefined).toBe(possible);
  });
});

test.each([
  { what: 'from its start', startedAt: STARTED, span: 500 },
  { what: 'started again since: from when it was made', startedAt: STARTED + NS_PER_SECOND, span: 1500 },
])('how long it may have written before, $what', ({ startedAt, span }) => {
  let gap: PossibleGap | undefined;
  const watch = new StartWatch({
    container: { ...refOf({ startedAt, createdAt: STARTED - NS_PER_SECOND }), logLimit: limitOf(10, 2) },
    cursor: cursorOf(1, 1),
    next: { entry: () => undefined },
    lines: undefined,
    maxSpan: NS_PER_SECOND,
    report: (found) => (gap = found),
  });
  for (let i = 0; i < 2; i++) watch.entry(1, 1_700_000_000, 500_000_000 + i, Buffer.from('x'), 0, 1, true);
  expect(gap).toMatchObject({ span, limit: 20 });
});

test.each([
  ['stdout', 1],
  ['stderr', 2],
] as const)(
  'the marker goes into the stream of the first entry, %s, also when a poll before read that',
  (stream, number) => {
    const marked: [stream: 1 | 2, seconds: number, nanos: number][] = [];
    const watchFrom = (start: LogStart | undefined): StartWatch =>
      new StartWatch({
        container: { ...refOf({ startedAt: STARTED }), logLimit: limitOf(100, 2) },
        cursor: { ...cursorOf(1, 1), ...(start === undefined ? {} : { start }) },
        next: { entry: () => undefined },
        lines: { line: (...[into, seconds, nanos]) => marked.push([into, seconds, nanos]) },
        maxSpan: NS_PER_SECOND,
        report: () => undefined,
      });
    const text = Buffer.alloc(200, 'x');
    const poll = watchFrom(undefined);
    poll.entry(number, 1_700_000_000, 500, text, 0, text.length, true);
    const { counted } = poll;
    expect(counted).toMatchObject({ stream, stamp: STARTED + 500n });
    watchFrom(counted).entry(number === 1 ? 2 : 1, 1_700_000_000, 600, text, 0, text.length, true);
    expect(marked).toEqual([[number, 1_700_000_000, 499]]);
  },
);
