import { expect, test } from '@jest/globals';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { readRejectedSummary } from '../../../src/loki/rejected-reader.js';
import { readRejectedFile } from '../../../src/loki/rejected.js';
import type { Outage } from '../../../src/simulators/loki/index.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf, untilStored } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const LINES = 300;
/** Others give up after 5 or 10 tries. */
const TRIES = 25;

const OUTAGES: readonly (readonly [string, Outage])[] = [
  ['500', { status: 500 }],
  ['503 of a gateway', { status: 503 }],
  ['429', { status: 429 }],
  ['connections that are reset', 'reset'],
  ['connections that are refused', 'refuse'],
  ['404 of a gateway whose Loki is gone', { status: 404 }],
  ['401 of a gateway that was set up anew', { status: 401 }],
];

function speak({ engine }: CollectingWorld, word: string): void {
  const container = engine.find('web') ?? engine.addContainer({ name: 'web' });
  for (let i = 0; i < LINES; i++) container.writeLine(i % 3 === 0 ? 'stderr' : 'stdout', `${word} ${i}`);
}

test.concurrent.each(OUTAGES)(
  `grafana/loki#915: Loki is away for ${TRIES} tries (%s), and no batch is dropped`,
  async (_name, outage) => {
    await withCollector({ settings: { loki: { backoff: { min: '10ms', max: '100ms' } } } }, async (world) => {
      const { loki } = world;
      speak(world, 'before');
      await world.start();
      await world.caughtUp();
      const lift = loki.outage(outage, { endpoint: 'push' });
      speak(world, 'meanwhile');
      await until('it was tried often', () => loki.outagesStruck >= TRIES);
      expect(loki.counts().entries).toBe(LINES);
      expect(world.health.report().state).not.toBe('healthy');
      lift();
      await untilStored(world, 2 * LINES);
      await world.caughtUp();
      await until('it is healthy', () => world.health.report().state === 'healthy');
      // Taken once each, refused for good none, and nothing was set aside.
      expect(loki.counts()).toMatchObject({ received: 2 * LINES, strictDuplicates: 0, refused: {} });
      expect(await figuresOf(world)).toEqual(eachOnce(2 * LINES));
      expect(await world.metric('pollard_rejected_lines_total')).toBe(0);
      await expectNothingHeld(world);
    });
  },
);

test.concurrent(
  'grafana/loki#915: what Loki took without being able to say so is asked for, and is there once',
  async () => {
    await withCollector({}, async (world) => {
      const { loki } = world;
      loki.outage('reset-after-accept', { endpoint: 'push', forRequests: TRIES });
      speak(world, 'lines');
      await world.start();
      await until('all have struck', () => loki.outagesStruck >= TRIES);
      await world.caughtUp();
      expect(loki.counts()).toMatchObject({ entries: LINES, refused: {} });
      // Nothing that it holds was sent again.
      expect(loki.counts().received).toBe(LINES);
      expect(await figuresOf(world)).toEqual(eachOnce(LINES));
      await expectNothingHeld(world);
    });
  },
);

const HOUR = 3600n * NS_PER_SECOND;

test.concurrent.each([
  ['of yesterday, far behind the others', 25n * HOUR, /entry too far behind/i, 'too-far-behind'],
  ['of tomorrow', -25n * HOUR, /timestamp too new/i, 'too-new'],
] as const)(
  'vectordotdev/vector#20706: one entry %s is kept with the reason, and all others of its request are stored',
  async (_name, age, reason, kind) => {
    await withCollector({ settings: { loki: { too_new_patience: '0s' } } }, async (world) => {
      const { engine, clock, loki } = world;
      const container = engine.addContainer({ name: 'web' });
      container.writeLine('stdout', 'the newest that Loki has', clock.now());
      await world.start();
      await world.caughtUp();
      for (let i = 0; i < LINES; i++) {
        container.writeLine('stdout', `good ${i}`);
        if (i === LINES / 2) container.writeLine('stdout', 'the bad one', clock.now() - age);
      }
      await world.caughtUp();
      container.writeLine('stdout', 'and on it goes');
      await world.caughtUp();

      const kept = [];
      for await (const line of readRejectedFile(world.rejectedFile)) kept.push(line);
      expect(kept).toMatchObject([
        { container: 'web', status: 400, kind, reason: expect.stringMatching(reason) },
      ]);
      expect(kept[0]?.line.toString()).toBe('the bad one');
      expect(await figuresOf(world)).toEqual({ ...eachOnce(LINES + 3), inLoki: LINES + 2, rejected: 1 });
      expect(loki.counts().entries).toBe(LINES + 2);
      expect(await world.metric('pollard_rejected_lines_total')).toBe(1);
      await expectNothingHeld(world);
    });
  },
);

test('vectordotdev/vector#20706: one entry of ten days ago, too old for Loki, is reported, and all others of its request are stored', async () => {
  await withCollector({}, async (world) => {
    const { engine, clock, loki } = world;
    const container = engine.addContainer({ name: 'web' });
    const tenDaysAgo = clock.now() - 240n * HOUR;
    await world.start();
    for (let i = 0; i < LINES; i++) {
      container.writeLine('stdout', `good ${i}`);
      if (i === LINES / 2) container.writeLine('stdout', 'the bad one', tenDaysAgo);
    }
    await world.caughtUp();
    container.writeLine('stdout', 'and on it goes');
    await world.caughtUp();

    expect((await readRejectedSummary(world.rejectedFile)).rows).toMatchObject([
      {
        container: 'web',
        stream: 'stdout',
        kind: 'too-old',
        reason: 'older than the 7 days that Loki accepts',
        spans: [{ from: tenDaysAgo, until: tenDaysAgo, lines: 1 }],
      },
    ]);
    expect(await figuresOf(world)).toEqual({ ...eachOnce(LINES + 2), inLoki: LINES + 1, rejected: 1 });
    expect(loki.counts().entries).toBe(LINES + 1);
    expect(await world.metric('pollard_skipped_too_old_lines_total')).toBe(1);
    await expectNothingHeld(world);
    expect(world.log.messages.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^1 line from .* skipped: older than the 7 days that Loki accepts$/),
      ]),
    );
  });
});
