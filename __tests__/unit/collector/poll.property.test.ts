import fc from 'fast-check';
import { fingerprint } from '../../../src/collector/fingerprint.js';
import type { Gap } from '../../../src/collector/gap.js';
import { LineAssembler } from '../../../src/collector/line-assembler.js';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { MovedStamps } from '../../../src/collector/moved-stamps.js';
import { pollContainer, type PollContext, type PollReport } from '../../../src/collector/poll.js';
import type { AnchorEntry, Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { containerNamed, START } from '../../support/audit-fixture.js';
import { ModelLog } from '../../support/model-log.js';
import { keyOf, ObjectBatch, StrictLoki, type StoredLine } from '../../support/strict-loki.js';
import { runs } from '../../support/effort.js';

const container = containerNamed('web');

type Step =
  | { kind: 'write'; stream: 1 | 2; text: number; advance: bigint; chunks: number }
  | { kind: 'openChunk'; stream: 1 | 2; advance: bigint }
  | { kind: 'closeChunk'; stream: 1 | 2 }
  | { kind: 'rotate'; share: number }
  | { kind: 'compress' }
  | { kind: 'poll'; cutAfter: number; expected: number; verify: boolean }
  | { kind: 'crash'; afterPushes: number };

const stream = fc.constantFrom(1 as const, 2 as const);
/** Forward by a little, not at all, back a little (two writers), or a clock step in either direction. */
const advance = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: 3n * NS_PER_SECOND }) },
  { weight: 3, arbitrary: fc.constant(0n) },
  { weight: 2, arbitrary: fc.bigInt({ min: -NS_PER_SECOND, max: 0n }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(-60n * NS_PER_SECOND, -1000n * NS_PER_SECOND, 1800n * NS_PER_SECOND),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      stream,
      text: fc.nat({ max: 3 }),
      advance,
      chunks: fc.constantFrom(1, 1, 1, 2, 3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('openChunk' as const), stream, advance }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('closeChunk' as const), stream }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('rotate' as const), share: fc.integer({ min: 1, max: 99 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('compress' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('poll' as const),
      cutAfter: fc.oneof(
        { weight: 4, arbitrary: fc.constant(10_000) },
        { weight: 1, arbitrary: fc.nat({ max: 20 }) },
      ),
      expected: fc.constantFrom(0, 0, 3, 50),
      verify: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), afterPushes: fc.nat({ max: 3 }) }),
  },
);

/** A gap as it was reported, and what the log and the cursor were at that moment. */
interface ReportedGap extends Gap {
  /** How many entries had been rotated away: the number of the first one that was left. */
  rotatedAway: number;
  /** The last entry that was delivered, as the cursor had it. */
  delivered: AnchorEntry | undefined;
  /** Set behind a cut answer: the last entry up to which it is certain that the Engine passed over nothing. */
  sound: AnchorEntry | undefined;
}

interface World {
  log: ModelLog;
  loki: StrictLoki;
  /** Whole lines written, in file order. */
  written: StoredLine[];
  gaps: ReportedGap[];
}

interface Options {
  semantics: 'filter' | 'seek';
  window: boolean;
  anchor: number;
  batch: number;
  /** The log's files are never compressed. */
  plain: boolean;
  /** Default: no line is too long. */
  maxLineBytes?: number;
  /** ms; default: no line stays open for too long. */
  openMaxAge?: number;
  moveEqualStamps?: boolean;
}

class CrashNow extends Error {}

async function live(steps: readonly Step[], options: Options): Promise<World> {
  const log = new ModelLog();
  log.semantics = options.semantics;
  const world: World = { log, loki: new StrictLoki(), written: [], gaps: [] };
  const open: [undefined, { stamp: bigint } | undefined, { stamp: bigint } | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  let rotatedAway = 0;
  const partial = new Map<number, { stream: 1 | 2; stamp: bigint; text: string }>();
  let lines = 0;
  let clock = START;
  let cursor: Cursor = {
    containerId: container.id,
    containerName: 'web',
    anchor: [],
    open: [],
    moved: {},
    committedAt: 0n,
  };
  let crashIn = Infinity;

  const context: PollContext = {
    read: log.read,
    newBatch: (_container, name) => new ObjectBatch(name, options.batch, 1800n * NS_PER_SECOND),
    push: async (batch) => {
      await Promise.resolve();
      // Stored, but the answer is lost: the hardest case.
      const result = world.loki.accept((batch as ObjectBatch).lines);
      if (--crashIn < 0) throw new CrashNow();
      return result;
    },
    commit: async (next) => {
      await Promise.resolve();
      cursor = next;
    },
    onGap: (_container, gap) => {
      const delivered = cursor.anchor.at(-1);
      world.gaps.push({ ...gap, rotatedAway, delivered, sound: cursor.soundUpTo?.anchor.at(-1) });
    },
    budget: new MemoryBudget(1_000_000),
    clock: { now: () => clock, monotonic: () => 0, sleep: async () => undefined },
    settings: {
      anchor: options.anchor,
      batchBytes: 200,
      batchAge: 60_000,
      maxSpan: 1800n * NS_PER_SECOND,
      maxWaiting: 2,
      maxLineBytes: options.maxLineBytes ?? 1_000_000,
      moveEqualStamps: options.moveEqualStamps ?? false,
      gapMarker: false,
    },
    sinceSemantics: () => options.semantics,
    poll: {
      window: { enabled: options.window, anchor: options.anchor },
      overlap: 2n * NS_PER_SECOND,
      openMaxAge: options.openMaxAge ?? 1e12,
    },
  };

  const append = (which: 1 | 2, stamp: bigint, text: string, terminated: boolean, line: number) => {
    log.entries.push({ stream: which, stamp, text: Buffer.from(text), terminated });
    const known = partial.get(line) ?? { stream: which, stamp, text: '' };
    known.text += text;
    if (terminated) {
      partial.delete(line);
      world.written.push({ stream: which === 1 ? 'stdout' : 'stderr', stamp, text: known.text });
    } else partial.set(line, known);
  };

  const poll = async (task: {
    expected: number;
    verify: boolean;
    cutAfter: number;
  }): Promise<PollReport | undefined> => {
    log.cutAfter = task.cutAfter;
    try {
      const report = await pollContainer(context, {
        container: { ...container, plainLog: options.plain },
        cursor,
        expected: task.expected,
        ended: false,
        verify: task.verify,
        suspect: false,
        signal: new AbortController().signal,
      });
      return report;
    } catch (error) {
      if (!(error instanceof CrashNow)) throw error;
      crashIn = Infinity;
      return undefined;
    }
  };

  for (const s of steps) {
    switch (s.kind) {
      case 'write': {
        if (open[s.stream]) break;
        clock += s.advance;
        const line = lines++;
        for (let i = 1; i <= s.chunks; i++) append(s.stream, clock, `t${s.text}`, i === s.chunks, line);
        break;
      }
      case 'openChunk': {
        if (open[s.stream]) break;
        clock += s.advance;
        open[s.stream] = { stamp: clock };
        // Another text for each: equal lines are the business of `write`.
        append(s.stream, clock, `open ${lines}, `, false, lines++);
        break;
      }
      case 'closeChunk': {
        // A late chunk: written now, stamped when the line began.
        const began = open[s.stream];
        if (!began) break;
        open[s.stream] = undefined;
        const line = [...partial].find(([, p]) => p.stream === s.stream)?.[0];
        if (line !== undefined) append(s.stream, began.stamp, 'late', true, line);
        break;
      }
      case 'rotate': {
        const drop = Math.floor((log.entries.length * s.share) / 100);
        log.entries = log.entries.slice(drop);
        rotatedAway += drop;
        break;
      }
      case 'compress':
        if (!options.plain) log.compress();
        break;
      case 'poll':
        await poll(s);
        break;
      case 'crash':
        crashIn = s.afterPushes;
        break;
    }
  }
  crashIn = Infinity;
  for (const which of [1, 2] as const) {
    const began = open[which];
    const line = [...partial].find(([, p]) => p.stream === which)?.[0];
    if (began && line !== undefined) append(which, began.stamp, 'late', true, line);
  }
  for (let i = 0; i < 4; i++) await poll({ expected: 0, verify: true, cutAfter: Infinity });
  return world;
}

/** What is rotated away before the first poll is not known to have been there. */
const BEGINNING: Step[] = [
  { kind: 'write', stream: 1, text: -1, advance: 0n, chunks: 1 },
  { kind: 'poll', cutAfter: Infinity, expected: 0, verify: false },
];

const options = fc.record({
  semantics: fc.constantFrom('filter' as const, 'seek' as const),
  window: fc.boolean(),
  anchor: fc.constantFrom(8, 32),
  batch: fc.constantFrom(1, 3, 1000),
  plain: fc.boolean(),
});

describe('polls of a random log at random instants', () => {
  test('without rotation: Loki holds exactly what was written, through crashes and cut answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), options, async (steps, how) => {
        const world = await live(
          steps.filter((s) => s.kind !== 'rotate'),
          how,
        );
        expect(new Set(world.loki.stored.keys())).toEqual(new Set(world.written.map(keyOf)));
        expect(world.gaps).toEqual([]);
        expect(world.loki.refused).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
  });

  test('without rotation, crashes or equal lines: each line is sent once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), options, async (steps, how) => {
        const world = await live(
          steps
            .filter((s) => s.kind !== 'rotate' && s.kind !== 'crash')
            .map((s, i) => (s.kind === 'write' ? { ...s, text: i } : s)),
          how,
        );
        expect(world.loki.sent).toEqual(new Map(world.written.map((line) => [keyOf(line), 1])));
      }),
      { numRuns: runs(300) },
    );
  });

  test('with rotation: each missing line is inside of a gap that was reported, and each gap was one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), options, async (steps, how) => {
        // A line whose chunks are torn apart by the rotation is delivered in part: left out here.
        const whole = steps
          .filter((s) => s.kind !== 'openChunk' && s.kind !== 'closeChunk')
          .map((s, i) => (s.kind === 'write' ? { ...s, chunks: 1, text: i } : s));
        const world = await live([...BEGINNING, ...whole], how);
        const { written, loki } = world;
        const keys = new Set(written.map(keyOf));
        expect([...loki.stored.keys()].filter((key) => !keys.has(key))).toEqual([]);

        const isMissing = (line: StoredLine): boolean => !loki.stored.has(keyOf(line));
        const gaps = world.gaps.map((gap) => ({ gap, span: spanOf(gap, written) }));
        expect(gaps.filter(({ span }) => span.from < 0)).toEqual([]);
        const outside = written.filter(
          (line, at) => isMissing(line) && !gaps.some(({ span: { from, to } }) => from < at && at < to),
        );
        expect(outside).toEqual([]);
        // A gap without a missing line: nothing was between, which nobody can know; or what was between was delivered
        // before a crash, or behind an answer that was cut.
        const crashes = whole.some((s) => s.kind === 'crash');
        const unexplained = gaps.filter(({ span: { from, to, isSound } }) => {
          return !crashes && !isSound && to > from + 1 && !written.slice(from + 1, to).some(isMissing);
        });
        expect(unexplained).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
  });

  test('lines in pieces: Loki holds exactly what one reading delivers, through crashes and cut answers', async () => {
    let pieces = 0;
    const small = fc.record({
      how: options,
      maxLineBytes: fc.constantFrom(3, 4, 7),
      moveEqualStamps: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), small, async (steps, { how, ...rules }) => {
        const world = await live(
          steps.filter((s) => s.kind !== 'rotate'),
          { ...how, ...rules },
        );
        const expected = new Set<string>();
        const lines = new MovedStamps(
          {
            line: (which, seconds, nanos, source, start, end, piece) => {
              if (piece !== undefined) pieces++;
              const stamp = BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
              const text = source.toString('latin1', start, end);
              expected.add(keyOf({ stream: which === 1 ? 'stdout' : 'stderr', stamp, text }));
            },
          },
          {},
          rules.moveEqualStamps ? 'shift' : 'keep',
        );
        const machine = new LineAssembler(lines, {
          maxLineBytes: rules.maxLineBytes,
          chunksShareStamp: true,
          tty: false,
        });
        for (const { stream: which, stamp, text, terminated } of world.log.entries) {
          const [seconds, nanos] = [Number(stamp / NS_PER_SECOND), Number(stamp % NS_PER_SECOND)];
          machine.entry(which, seconds, nanos, text, 0, text.length, terminated);
        }
        expect(new Set(world.loki.stored.keys())).toEqual(expected);
        expect(world.loki.refused).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
    expect(pieces).toBeGreaterThan(300);
  });

  test('lines that stay open for too long: their pieces join to them, through crashes and cut answers', async () => {
    let aged = 0;
    const small = fc.record({
      how: options,
      maxLineBytes: fc.constantFrom(3, 5, 1000),
      moveEqualStamps: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 120, size: 'max' }),
        small,
        async (steps, { how, ...rules }) => {
          const world = await live(
            steps
              .filter((s) => s.kind !== 'rotate')
              .map((s, i) => (s.kind === 'write' ? { ...s, text: i } : s)),
            { ...how, ...rules, openMaxAge: 1000 },
          );
          // The clock was set back so often that Loki does not take the lines.
          fc.pre(world.loki.refused.length === 0);
          // The clock was set back to the timestamps of an earlier line's pieces.
          fc.pre(
            !world.written.some(({ stream: of, stamp }, i) =>
              isTakenAgain(of, stamp, world.written.slice(0, i)),
            ),
          );
          const lines = new Map<string, StoredLine[]>();
          for (const line of world.loki.stored.values()) {
            const { lineId, number } = line.piece ?? { lineId: line.stamp, number: 1 };
            const key = `${line.stream} ${lineId} ${line.piece === undefined ? line.text : ''}`;
            const all = lines.get(key) ?? [];
            lines.set(key, all);
            all[number - 1] = line;
          }
          const joined = [...lines.values()].map((all) => {
            all.forEach(({ stamp, piece }, i) => {
              expect(stamp).toBe((piece?.lineId ?? stamp) + BigInt(i));
              if (piece !== undefined && i === all.length - 1) expect(piece.count).toBe(all.length);
              if (piece !== undefined && rules.maxLineBytes === 1000) aged++;
            });
            return `${all[0]!.stream} ${all.map(({ text }) => text).join('')}`;
          });
          expect(new Set(joined)).toEqual(
            new Set(world.written.map(({ stream: of, text }) => `${of} ${text}`)),
          );
        },
      ),
      { numRuns: runs(300) },
    );
    expect(aged).toBeGreaterThan(20);
  });
});

/** Whether a line has a timestamp that pieces of an earlier one may have, but for lines that share it without a break. */
function isTakenAgain(of: string, stamp: bigint, before: readonly StoredLine[]): boolean {
  const earlier = before.filter((line) => line.stream === of);
  while (earlier.at(-1)?.stamp === stamp) earlier.pop();
  return earlier.some((line) => line.stamp >= stamp && line.stamp - stamp < 100n);
}

/**
 * Between which lines of the log a gap is: after the last one of the cursor, before the first one that was left. Each
 * line is one entry, and no two have the same text.
 *
 * @returns `from`: -1 when the gap does not begin at such an end, or does not end where the log began; `isSound`:
 *   whether it begins at the sound end, and not at the last entry that was delivered
 */
function spanOf(
  { delivered, sound, lastDelivered, firstAvailable, rotatedAway: to }: ReportedGap,
  written: readonly StoredLine[],
): { from: number; to: number; isSound: boolean } {
  const placeOf = (end: AnchorEntry | undefined): number => {
    if (end?.stamp !== lastDelivered || written[to]?.stamp !== firstAvailable) return -1;
    return written.slice(0, to).findIndex(({ stream: name, stamp, text }) => {
      const hash = fingerprint(Buffer.from(text), 0, text.length, 0);
      return name === end.stream && stamp === end.stamp && hash === end.hash;
    });
  };
  const from = placeOf(delivered);
  return from < 0 ? { from: placeOf(sound), to, isSound: true } : { from, to, isSound: false };
}
