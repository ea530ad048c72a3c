import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Outage } from '../../../src/simulators/loki/index.js';
import { accountOf, rejectedLines, withPushing } from '../../support/pushing/index.js';
import {
  batchesOf,
  HOUR,
  linesOf,
  MINUTE,
  NOW,
  pushLine,
  testTarget,
  type PushLine,
} from '../../support/push-lines.js';
import { runs } from '../../support/effort.js';

type Fate = 'good' | 'old' | 'behind' | 'new' | 'long';

/** Where the stamps of lines of each fate lie, from now on, s. A stream's newest is NOW before any of them. */
const RANGES: Readonly<Record<Fate, readonly [bigint, bigint]>> = {
  good: [-50n * MINUTE, 0n],
  // Beyond what the clock leaps in a run.
  old: [-60n * 24n * HOUR, -8n * 24n * HOUR],
  behind: [-3n * HOUR, -62n * MINUTE],
  new: [24n * HOUR, 60n * 24n * HOUR],
  long: [-50n * MINUTE, 0n],
};
const LONGEST = 2000;

const anyLine = fc.record({
  fate: fc.constantFrom<Fate>('good', 'good', 'good', 'old', 'behind', 'new', 'long'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 0, max: LONGEST - 50 }),
});
type Line = { fate: Fate; at: number; length: number };

function lineOf({ fate, at, length }: Line, number: number): PushLine {
  const [from, to] = RANGES[fate];
  const stamp = NOW + from + (BigInt(Math.round(at * 1_000_000)) * (to - from)) / 1_000_000n;
  return pushLine(stamp, `${fate} ${number} ${'x'.repeat(fate === 'long' ? LONGEST + length : length)}`);
}

const anyOutage = fc.constantFrom<Outage>(
  'refuse',
  'reset',
  'reset-after-accept',
  { status: 429 },
  { status: 500 },
  { status: 503, retryAfter: '1' },
  { status: 502, afterAccept: true },
  { status: 401 },
  { status: 404 },
  { status: 200, body: '<html>' },
);

test('whatever mixture, whatever limits, whatever fails: stored + rejected = sent, and nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyLine, { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.record({ outage: anyOutage, requests: fc.integer({ min: 1, max: 3 }) }), { maxLength: 6 }),
      fc.record({
        version: fc.constantFrom('3.5' as const, '3.7' as const),
        encoding: fc.constantFrom('protobuf' as const, 'json' as const),
        knowsLimits: fc.boolean(),
        burst: fc.constantFrom(100_000, 6_000_000),
        message: fc.constantFrom(80_000, 4_194_304),
        body: fc.constantFrom(undefined, 66_000),
      }),
      async (streams, outages, { version, encoding, knowsLimits, burst, message, body }) => {
        const loki = {
          version,
          limits: {
            maxLineBytes: LONGEST,
            ingestionRateBytes: burst / 2,
            ingestionBurstBytes: burst,
            grpcMaxMessageBytes: message,
          },
          ...(body === undefined ? {} : { gateway: { maxBodyBytes: body } }),
        };
        // What Pollard knows of Loki's limits may be right, or far from it.
        const limits = knowsLimits
          ? { maxLineBytes: LONGEST, maxAgeMs: 7 * 24 * 3_600_000, maxRequestBytes: 3 << 20 }
          : { maxLineBytes: 1 << 30, maxAgeMs: 365 * 24 * 3_600_000, maxRequestBytes: 3 << 20 };
        await withPushing({ loki, settings: { encoding, limits } }, async (world) => {
          const targets = streams.map((_, i) =>
            testTarget({ labels: { stream: `s${i}` }, containerName: `c${i}` }),
          );
          for (const target of targets) await world.push([pushLine(NOW, 'newest')], target);
          for (const { outage, requests } of outages) world.loki.outage(outage, { forRequests: requests });

          const sent = streams.map((lines) => lines.map(lineOf));
          const results = await Promise.all(sent.map((lines, i) => world.push(lines, targets[i])));

          const fates = streams.flat().map(({ fate }) => fate);
          const good = fates.filter((fate) => fate === 'good').length;
          const sum = (key: 'accepted' | 'rejected') => results.reduce((total, each) => total + each[key], 0);
          expect([sum('accepted'), sum('rejected')]).toEqual([good, fates.length - good]);
          const { stored, rejected, ...rest } = await accountOf(world);
          expect(rest).toEqual({ lost: [], twice: [], unknown: [] });
          expect(stored).toHaveLength(good + streams.length);
          expect(rejected).toHaveLength(fates.length - good);
          expect(rejected.some((text) => text.startsWith('good'))).toBe(false);
          for (const { line, kind } of await rejectedLines(world)) {
            expect(kind).toBe(KINDS[line.toString().split(' ')[0] as Exclude<Fate, 'good'>]);
          }
          expect(world.pusher.state().kind).toBe('ok');
        });
      },
    ),
    { numRuns: runs(150) },
  );
});

const KINDS: Readonly<Record<Exclude<Fate, 'good'>, string>> = {
  old: 'too-old',
  behind: 'too-far-behind',
  new: 'too-new',
  long: 'line-too-long',
};

test('what was given up anywhere is made whole by sending all of it again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyLine, { minLength: 1, maxLength: 80 }),
      fc.array(anyOutage, { maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
      async (mixture, outages, stops) => {
        await withPushing({ loki: { limits: { maxLineBytes: LONGEST } } }, async (world) => {
          await world.push([pushLine(NOW, 'newest')]);
          for (const outage of outages) world.loki.outage(outage, { forRequests: 2 });
          const lines = mixture.map(lineOf);
          world.sent.push(...lines.map((line) => ({ target: testTarget(), line })));
          // As after a kill at any instant: what was not settled is read again; what was is behind the cursor.
          const batches = batchesOf(lines).map((batch) => linesOf(batch.all()));
          const left = [...stops];
          for (let batch = batches.shift(); batch !== undefined;) {
            const stop = new AbortController();
            const last = world.told.attempts.length + (left.shift() ?? Infinity);
            world.told.atAttempt = (attempts) => attempts >= last && stop.abort(new Error('stopped'));
            const settled = await world.pushAgain(batch, testTarget(), stop.signal).catch(() => undefined);
            if (settled !== undefined) batch = batches.shift();
          }
          const fates = mixture.map(({ fate }) => fate);
          const good = fates.filter((fate) => fate === 'good').length;
          const { stored, rejected, ...rest } = await accountOf(world);
          expect(rest).toEqual({ lost: [], twice: [], unknown: [] });
          expect([stored.length - 1, rejected.length]).toEqual([good, fates.length - good]);
        });
      },
    ),
    { numRuns: runs(150) },
  );
});
