import fc from 'fast-check';
import { AnchorRing } from '../../../src/collector/anchor-ring.js';
import { Repeats } from '../../../src/collector/fingerprint.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { noCounts, type StreamCounts } from '../../../src/audit/report.js';
import { auditOf, containerNamed, labelsOf, START } from '../../support/audit-fixture.js';
import { ModelLog } from '../../support/model-log.js';
import { ModelLoki } from '../../support/model-loki.js';
import { runs } from '../../support/effort.js';

const container = containerNamed('web');

interface Line {
  stream: 1 | 2;
  stamp: bigint;
  text: string;
}

/** Forward by a little, not at all, back a little (two writers), or a clock step in either direction. */
const advance = fc.oneof(
  { weight: 5, arbitrary: fc.bigInt({ min: 0n, max: 30n * NS_PER_SECOND }) },
  { weight: 10, arbitrary: fc.constant(0n) },
  { weight: 2, arbitrary: fc.bigInt({ min: -NS_PER_SECOND, max: 1n }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(-300n * NS_PER_SECOND, -5000n * NS_PER_SECOND, 4000n * NS_PER_SECOND),
  },
);
const written = fc.array(
  fc.record({
    stream: fc.constantFrom(1 as const, 2 as const),
    advance,
    text: fc.constantFrom('a', 'b', 'c', 'grün', '', '\ufffd\ufffd!'),
    /** In Loki: not at all, in its stream, in a shard of it, or, by a resend, in both. */
    stored: fc.constantFrom('no', 'yes', 'yes', 'shard', 'twice'),
  }),
  { maxLength: 60 },
);
const extra = fc.array(
  fc.record({
    stream: fc.constantFrom(1 as const, 2 as const),
    /** At the stamp of one of the lines, or some time after the start. */
    at: fc.oneof(fc.nat({ max: 60 }), fc.bigInt({ min: 4500n * NS_PER_SECOND, max: 6000n * NS_PER_SECOND })),
    text: fc.constantFrom('x', 'y', 'z'),
    whose: fc.constantFrom('ours', 'another', 'nobody'),
    stored: fc.constantFrom('yes', 'shard', 'twice'),
  }),
  { maxLength: 12 },
);

function logOf(lines: readonly Line[]): ModelLog {
  const log = new ModelLog();
  log.entries = lines.map(({ stream, stamp, text }) => ({
    stream,
    stamp,
    text: Buffer.from(text),
    terminated: true,
  }));
  return log;
}

/** The cursor of a collector that has delivered the first `count` lines. */
function cursorAt(lines: readonly Line[], count: number): Cursor {
  const ring = new AnchorRing(4, []);
  const repeats = new Repeats();
  for (const { stream, stamp, text } of lines.slice(0, count)) {
    const source = Buffer.from(text);
    const [seconds, nanos] = [Number(stamp / NS_PER_SECOND), Number(stamp % NS_PER_SECOND)];
    const repeat = repeats.next(stream, seconds, nanos, source, 0, source.length);
    ring.add(stream, seconds, nanos, source, 0, source.length, repeat);
  }
  return {
    containerId: container.id,
    containerName: 'web',
    anchor: ring.anchor(),
    open: [],
    moved: {},
    committedAt: 0n,
  };
}

const keyOf = ({ stream, stamp, text }: Line): string => `${stream} ${stamp} ${text}`;

test('the report is exactly right, whatever the page size and the room for fingerprints', async () => {
  await fc.assert(
    fc.asyncProperty(
      written,
      extra,
      fc.record({
        memoryBytes: fc.constantFrom(17, 100, 300, 5000),
        buckets: fc.constantFrom(1, 3, 16, 500),
        maxEntries: fc.constantFrom(2, 3, 4, 7, 20, 5000),
        config: fc.boolean(),
        semantics: fc.constantFrom('filter' as const, 'seek' as const),
        from: fc.oneof(fc.bigInt({ min: 4000n, max: 6000n }), fc.bigInt({ min: 0n, max: 15_000n })),
        length: fc.bigInt({ min: 1n, max: 20_000n }),
        /** The range begins, or ends, at the stamp of a line. */
        edges: fc.tuple(fc.nat({ max: 120 }), fc.nat({ max: 120 })),
        /** Where the cursor stands, as a part of the log; undefined: there is none. */
        cursor: fc.option(fc.nat({ max: 100 }), { nil: undefined }),
        dropped: fc.nat({ max: 5 }),
      }),
      async (steps, extras, options) => {
        let stamp = START + 5000n * NS_PER_SECOND;
        const all: Line[] = [];
        const loki = new ModelLoki();
        const stored = new Set<string>();
        const store = (line: Line, where: string, containerId: string | undefined): void => {
          const entry = entryOf(line, containerId);
          if (where === 'yes' || where === 'twice') loki.entries.push(entry);
          if (where === 'shard' || where === 'twice') {
            loki.entries.push({ ...entry, labels: { ...entry.labels, __stream_shard__: '1' } });
          }
          if (where !== 'no') stored.add(keyOf(line));
        };
        for (const step of steps) {
          stamp = stamp + step.advance > START ? stamp + step.advance : START;
          const line = { stream: step.stream, stamp, text: step.text };
          all.push(line);
          store(line, step.stored, container.id);
        }
        // Rotated away after they were delivered.
        const lines = all.slice(options.dropped);
        const log = logOf(lines);
        log.semantics = options.semantics;
        loki.maxEntries = options.maxEntries;
        if (options.config) {
          loki.config = `limits_config: { max_entries_limit_per_query: ${options.maxEntries} }`;
        }
        for (const { stream, at, text, whose, stored: where } of extras) {
          const line = {
            stream,
            stamp: typeof at === 'bigint' ? START + at : (all[at]?.stamp ?? START),
            text,
          };
          const ids: Record<string, string> = { ours: container.id, another: 'other' };
          store(line, where, ids[whose]);
        }

        const from = all[options.edges[0]]?.stamp ?? START + options.from * NS_PER_SECOND;
        const to = all[options.edges[1]]?.stamp ?? from + options.length * NS_PER_SECOND;
        const range = { from, until: to > from ? to : from + 1n };
        const place =
          options.cursor === undefined ? undefined : Math.floor((options.cursor / 100) * lines.length);
        const { first } = await auditOf(
          { ...options, read: log.read, transport: loki },
          {
            since: range.from,
            until: range.until,
            cursorOf: () => (place === undefined ? undefined : cursorAt(lines, place)),
          },
        );

        for (const stream of [1, 2] as const) {
          const expected: StreamCounts = noCounts();
          const inRange = (line: Line): boolean =>
            line.stream === stream && line.stamp >= range.from && line.stamp < range.until;
          const seen = new Set<string>();
          // As a query folds: within a stream and its shard, by stamp and text, whoever sent it.
          const crowds = new Map<bigint, Set<string>>();
          const owners = new Map<string, Set<string | undefined>>();
          /** Of each line, in how many places a query shows it, without those of another container. */
          const shown = new Map<string, number>();
          for (const { labels, stamp: at, line, containerId } of loki.entries) {
            if (labels['stream'] !== nameOf(stream)) continue;
            const place = `${JSON.stringify(labels)} ${line}`;
            const crowd = crowds.get(at) ?? new Set();
            crowds.set(at, crowd);
            if (crowd.has(place)) continue;
            crowd.add(place);
            const key = `${at} ${line}`;
            owners.set(key, (owners.get(key) ?? new Set()).add(containerId));
            // Lines that differ in broken bytes look equal: they are not counted.
            if (line.includes('\ufffd') || containerId === 'other') continue;
            if (!inRange({ stream, stamp: at, text: line })) continue;
            shown.set(key, (shown.get(key) ?? 0) + 1);
          }
          fc.pre([...crowds.values()].every((crowd) => crowd.size <= 2 * options.maxEntries));
          lines.forEach((line, index) => {
            if (!inRange(line)) return;
            expected.lines++;
            if (seen.has(keyOf(line))) {
              expected.folded++;
              return;
            }
            seen.add(keyOf(line));
            const crowd = (crowds.get(line.stamp)?.size ?? 0) >= options.maxEntries;
            if (owners.has(`${line.stamp} ${line.text}`)) expected.delivered++;
            else if (place !== undefined && index >= place) expected.pending++;
            else if (crowd) expected.crowded++;
            else expected.missing++;
          });
          for (const [key, ids] of owners) {
            const [stamped, text] = [BigInt(key.split(' ')[0]!), key.slice(key.indexOf(' ') + 1)];
            const line = { stream, stamp: stamped, text };
            if (!inRange(line) || seen.has(keyOf(line)) || [...ids].every((id) => id === 'other')) continue;
            if (lines[0] === undefined || line.stamp < lines[0].stamp) expected.rotated++;
            else expected.unknown++;
          }
          const found = first.streams[nameOf(stream)];
          // Of a timestamp with more entries than an answer holds, not all are seen.
          const seesAll = [...crowds.values()].every((crowd) => crowd.size < options.maxEntries);
          const copies = [...shown.values()].reduce((sum, places) => sum + places - 1, 0);
          expected.storedTwice = seesAll ? copies : Math.min(found.storedTwice, copies);
          expect({ stream, ...found }).toEqual({ stream, ...expected });
        }
        expect(first.status).toBe('read');
        for (const { stream, stamp: at, text } of first.samples.missing) {
          expect(stored.has(`${stream === 'stdout' ? 1 : 2} ${at} ${text}`)).toBe(false);
        }
      },
    ),
    { numRuns: runs(500) },
  );
});

function nameOf(stream: 1 | 2): 'stdout' | 'stderr' {
  return stream === 1 ? 'stdout' : 'stderr';
}

function entryOf({ stream, stamp, text }: Line, containerId: string | undefined) {
  return {
    labels: labelsOf(container, nameOf(stream)),
    stamp,
    line: text,
    ...(containerId === undefined ? {} : { containerId }),
  };
}
