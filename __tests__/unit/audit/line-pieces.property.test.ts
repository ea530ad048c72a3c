import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LineBatch } from '../../../src/collector/line-batch.js';
import { LineAssembler } from '../../../src/collector/line-assembler.js';
import { MovedStamps } from '../../../src/collector/moved-stamps.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { pieceMetadata, type LinePiece } from '../../../src/model/line-piece.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { auditOf, containerNamed, labelsOf, START } from '../../support/audit-fixture.js';
import { runs } from '../../support/effort.js';
import { ModelLog } from '../../support/model-log.js';
import { ModelLoki, type ModelEntry } from '../../support/model-loki.js';
import { ObjectBatch } from '../../support/strict-loki.js';

const container = containerNamed('web');
const MAX = 1024;

/** Texts of which a part is easily taken for another, and of characters that have several bytes. */
const anyText = fc.oneof(
  fc
    .tuple(fc.constantFrom('a', 'ab', 'aab', '€', 'a😀é'), fc.integer({ min: 0, max: 5000 }))
    .map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length))),
  fc.integer({ min: 0, max: 5000 }).map((length) =>
    Array.from({ length: Math.ceil(length / 5) }, (_, i) => String(i).padStart(5, '0'))
      .join('')
      .slice(0, length),
  ),
);

interface Written {
  readonly text: string;
  /** ns after the line before. */
  readonly advance: bigint;
  /** Where polls find the line open for too long, in parts of its length. */
  readonly cuts: readonly number[];
  /** Which of its entries are lost in Loki, by their number; others than there are: none. */
  readonly lost: readonly number[];
}

const anyLines = fc.array(
  fc.record({
    text: anyText,
    advance: fc.constantFrom(0n, 1n, 3n, 1000n, 40n * NS_PER_SECOND),
    cuts: fc.oneof(
      { weight: 2, arbitrary: fc.constant<number[]>([]) },
      { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 3 }) },
    ),
    lost: fc.oneof(
      { weight: 3, arbitrary: fc.constant<number[]>([]) },
      { weight: 1, arbitrary: fc.array(fc.nat({ max: 8 }), { maxLength: 2 }) },
    ),
  }),
  { maxLength: 8 },
);

interface Delivered {
  readonly entry: ModelEntry;
  readonly line: number;
}

/** What the collector delivers of the lines, cut by length and by age. */
function deliver(lines: readonly Written[], idIsSent: boolean): { log: ModelLog; delivered: Delivered[] } {
  const log = new ModelLog();
  const delivered: Delivered[] = [];
  let place: Pick<Cursor, 'open' | 'moved'> = { open: [], moved: {} };
  let stamp = START + 1000n * NS_PER_SECOND;
  lines.forEach(({ text, advance, cuts }, line) => {
    // A line that stays open for long shares its time with no other.
    const isAlone = cuts.length > 0 || (lines[line - 1]?.cuts.length ?? 0) > 0;
    stamp += isAlone && advance < 1000n ? 1000n : advance;
    const bytes = Buffer.from(text);
    const borders = [...new Set(cuts.map((cut) => Math.floor((cut / 100) * bytes.length)))].sort(
      (a, b) => a - b,
    );
    let from = 0;
    for (const to of [...borders, bytes.length]) {
      const stamps = new MovedStamps(
        {
          line: (_stream, seconds, nanos, source, start, end, piece) => {
            const entry = {
              labels: labelsOf(container, 'stdout'),
              stamp: BigInt(seconds) * NS_PER_SECOND + BigInt(nanos),
              line: source.toString('utf8', start, end),
              ...metadataOf(piece, idIsSent),
            };
            delivered.push({ entry, line });
          },
        },
        place.moved,
        'keep',
      );
      const machine = new LineAssembler(stamps, { maxLineBytes: MAX, chunksShareStamp: true, tty: false });
      machine.resume(place.open);
      const chunk = bytes.subarray(from, to);
      const terminated = to === bytes.length;
      log.entries.push({ stream: 1, stamp, text: chunk, terminated });
      machine.entry(
        1,
        Number(stamp / NS_PER_SECOND),
        Number(stamp % NS_PER_SECOND),
        chunk,
        0,
        chunk.length,
        terminated,
      );
      place = {
        open: machine.openLines().map((open) => ({ ...open, cut: true })),
        moved: stamps.moved(),
      };
      from = to;
    }
  });
  return { log, delivered };
}

function metadataOf(piece: LinePiece | undefined, idIsSent: boolean) {
  if (!idIsSent) return {};
  return {
    containerId: container.id,
    ...(piece === undefined ? {} : { metadata: Object.fromEntries(pieceMetadata(piece)) }),
  };
}

/** Missing stretches of a line that lie apart. */
function holes(of: readonly { lost: boolean }[]): number {
  return of.filter(({ lost }, i) => lost && of[i - 1]?.lost !== true).length;
}

test('lines in any pieces, some lost: exactly those are missing, and a repair makes them whole without a double', async () => {
  let repaired = 0;
  await fc.assert(
    fc.asyncProperty(anyLines, fc.constantFrom(1, 30, 500), async (lines, buckets) => {
      const idIsSent = true;
      const { log, delivered } = deliver(lines, idIsSent);
      const ofLine = lines.map(({ lost }, line) =>
        delivered
          .filter((each) => each.line === line)
          .map(({ entry }, number) => ({ entry, lost: lost.includes(number) })),
      );
      // Equal lines of one timestamp are one for Loki: which of them was lost cannot be said.
      const keys = new Map<string, number>();
      for (const { entry } of delivered) {
        const key = `${entry.stamp} ${entry.line}`;
        keys.set(key, (keys.get(key) ?? 0) + 1);
      }
      fc.pre([...keys.values()].every((count) => count === 1));
      const loki = new ModelLoki();
      loki.entries = ofLine.flatMap((all) => all.flatMap(({ entry, lost }) => (lost ? [] : [entry])));
      const isMissing = ofLine.map((all) => all.some(({ lost }) => lost));
      const fixture = { read: log.read, transport: loki, maxLineBytes: MAX, buckets, memoryBytes: 100_000 };

      const { first: found } = await auditOf(fixture, { idIsSent });
      expect(found.streams.stdout).toMatchObject({
        lines: lines.length,
        folded: 0,
        missing: isMissing.filter((missing) => missing).length,
        delivered: isMissing.filter((missing) => !missing).length,
        unknown: 0,
        changed: 0,
      });

      const before = new Set(loki.entries.map(({ stamp, line }) => `${stamp} ${line}`));
      const repair = {
        batchBytes: 2000,
        newBatch: (): LineBatch => new ObjectBatch('stdout', 10, 3600n * NS_PER_SECOND),
        push: async (batch: LineBatch) => {
          for (const { stamp, text, piece } of (batch as ObjectBatch).lines) {
            const line = Buffer.from(text, 'latin1').toString('utf8');
            expect(before.has(`${stamp} ${line}`)).toBe(false);
            loki.entries = [
              ...loki.entries,
              { labels: labelsOf(container, 'stdout'), stamp, line, ...metadataOf(piece, idIsSent) },
            ];
          }
          return { accepted: batch.entries, rejected: 0 };
        },
      };
      const { first: after } = await auditOf(fixture, { idIsSent, repair });
      // Where pieces were cut by age, only one hole can be filled: the place of what lies between two is not known.
      const isHopeless = ofLine.map((all, i) => lines[i]!.cuts.length > 0 && holes(all) > 1);
      expect(after.streams.stdout.missing).toBeLessThanOrEqual(isHopeless.filter((each) => each).length);
      repaired += after.streams.stdout.repaired;
      const texts = new Map<bigint, ModelEntry[]>();
      for (const entry of [...loki.entries].sort((a, b) => Number(a.stamp - b.stamp))) {
        if (entry.metadata === undefined) continue;
        const id = BigInt(entry.metadata['line_id'] ?? '');
        texts.set(id, [...(texts.get(id) ?? []), entry]);
      }
      for (const [i, all] of ofLine.entries()) {
        const { metadata: first } = all[0]!.entry;
        // One of which nothing was there is sent as it is expected.
        const isWhole = first === undefined || all.every(({ lost }) => lost);
        if (isHopeless[i] === true || isWhole) continue;
        const id = BigInt(first['line_id'] ?? '');
        const pieces = texts.get(id) ?? [];
        expect(pieces.map(({ line }) => line).join('')).toBe(lines[i]!.text);
        expect(pieces.map(({ metadata }) => metadata?.['line_piece'])).toEqual(
          pieces.map(({ stamp }) => String(stamp - id + 1n)),
        );
      }
    }),
    { numRuns: runs(300) },
  );
  expect(repaired).toBeGreaterThan(30);
});
