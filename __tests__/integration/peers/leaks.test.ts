import { expect, test } from '@jest/globals';
import type { Service } from '../../support/collector/index.js';
import { SHORT_TIMEOUTS, withCollector } from '../../support/collecting/index.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { eachOnce, expectNothingHeld, figuresOf } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const CONTAINERS = 20;
const POLLS_BEFORE = 200;
const POLLS_AFTER = 600;
const CHURN = 20;
/** `poll.concurrency`, and what looks for containers beside it. */
const POLLS_AT_A_TIME = 10;
const LOOKS_AT_A_TIME = 2;

/** Kinds of open descriptors, counted: `socket`, `anon_inode:[eventpoll]`, a path. */
function descriptorsOf(service: Service): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const target of service.descriptors().values()) {
    const kind = target.replace(/:\[\d+\]$/, '');
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Waits until it holds what it held before: nothing of a poll that is over. */
async function untilHeldAsBefore(service: Service, before: Record<string, number>): Promise<void> {
  const more = (): string[] => {
    const now = descriptorsOf(service);
    return Object.keys(now).filter((kind) => (now[kind] ?? 0) > (before[kind] ?? 0));
  };
  await until('it holds no more than before', () => more().length === 0, {
    instead: () => [before, descriptorsOf(service)],
  });
}

async function untilPolled({ engine }: Site, times: number): Promise<void> {
  const wanted = engine.requests.count('logs') + times;
  await until(`${times} polls went by`, () => engine.requests.count('logs') >= wanted);
}

/** Between two polls, at rest. */
async function heldAtRest(site: Site, service: Service): Promise<Record<string, number>> {
  let held: Record<string, number> = {};
  await until('no connection to the Engine is open', async () => {
    held = descriptorsOf(service);
    return (await service.status()).engine_sockets === 0 && site.engine.connections().open === 0;
  });
  return held;
}

test('grafana/loki#11021: idle containers that are polled over and over leave nothing behind', async () => {
  await withSite({ settings: { start: 'beginning', 'poll.max_interval': '200ms' } }, async (site) => {
    for (let i = 0; i < CONTAINERS; i++) {
      site.engine.addContainer({ name: `idle-${i}` }).writeLine('stdout', 'once, and never again');
    }
    const service = await site.run();
    await site.untilStored(CONTAINERS);
    await untilPolled(site, POLLS_BEFORE);
    const before = await heldAtRest(site, service);
    await untilPolled(site, POLLS_AFTER);
    await untilHeldAsBefore(service, before);
    // All of it went over connections of one request each.
    expect(site.engine.connections().peak).toBeLessThanOrEqual(POLLS_AT_A_TIME + LOOKS_AT_A_TIME);
    expect(site.loki.counts()).toMatchObject({ entries: CONTAINERS, received: CONTAINERS });
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    const { open, total } = site.engine.connections();
    expect({ open, total }).toEqual({ open: 0, total: site.engine.requests.total });
    expect(site.engine.requests.violations).toEqual([]);
  });
});

test('grafana/loki#17718: containers that come and go leave nothing behind', async () => {
  await withSite({ settings: { start: 'beginning' } }, async (site) => {
    const { engine } = site;
    const churn = async (from: number): Promise<void> => {
      for (let i = from; i < from + CHURN; i++) {
        const container = engine.addContainer({ name: `brief-${i}` });
        container.writeLine('stdout', 'hello');
        await site.untilStored(i + 1);
        container.remove();
      }
    };
    const service = await site.run();
    await churn(0);
    const before = await heldAtRest(site, service);
    await churn(CHURN);
    await churn(2 * CHURN);
    await untilHeldAsBefore(service, before);
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    expect(site.loki.counts()).toMatchObject({ received: 3 * CHURN, entries: 3 * CHURN });
    const { open, total } = engine.connections();
    expect({ open, total }).toEqual({ open: 0, total: engine.requests.total });
  });
});

test('moby/moby#13014: no read follows, and one that the collector breaks off is closed', async () => {
  await withCollector({ settings: SHORT_TIMEOUTS }, async (world) => {
    const { engine } = world;
    const containers = Array.from({ length: CONTAINERS }, (_, i) => engine.addContainer({ name: `c-${i}` }));
    for (const container of containers) container.writeLine('stdout', 'before');
    await world.start();
    await world.caughtUp();
    // Each is broken off by the collector itself, in the middle of an answer that does not end.
    for (const { id } of containers) {
      engine.fault({ endpoint: 'logs', container: id, times: 2 }, { kind: 'never_ends' });
    }
    await until('all have struck', () => engine.faultsStruck === 2 * CONTAINERS);
    for (const container of containers) container.writeLine('stdout', 'after');
    await world.caughtUp();
    await until('no connection is left', () => engine.connections().open === 0);
    expect(await figuresOf(world)).toEqual(eachOnce(2 * CONTAINERS));
    await expectNothingHeld(world);
  });
});

const ROTATIONS = 12;
const PER_FILE = 5;

test.each(['20.10', '24', '28.5'] as const)(
  'moby/moby#37646: the log is rotated time and again, and the collector reads on (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const rotation = { maxSize: { entries: PER_FILE }, maxFiles: 3 };
      const container = world.engine.addContainer({ name: 'web', rotation });
      await world.start();
      for (let file = 0; file < ROTATIONS; file++) {
        for (let i = 0; i < PER_FILE; i++) container.writeLine('stdout', `file ${file}, line ${i}`);
        await world.caughtUp();
      }
      expect(container.log.firstSequence).toBe((ROTATIONS - 3) * PER_FILE);
      expect(await figuresOf(world)).toEqual(eachOnce(ROTATIONS * PER_FILE));
      expect(await world.metric('pollard_gaps_total')).toBe(0);
      await expectNothingHeld(world);
    });
  },
);

test.each(['20.10', '24', '28.5'] as const)(
  'moby/moby#39235: a log of a single file (max-file=1) is emptied by each rotation, and the collector reads on (Engine %s)',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const rotation = { maxSize: { entries: PER_FILE }, maxFiles: 1 };
      const container = world.engine.addContainer({ name: 'web', rotation });
      await world.start();
      for (let file = 0; file < ROTATIONS; file++) {
        for (let i = 0; i < PER_FILE; i++) container.writeLine('stdout', `file ${file}, line ${i}`);
        await world.caughtUp();
      }
      // That nothing was lost between two files can be seen by nobody: each place is marked.
      expect(await figuresOf(world)).toEqual({
        ...eachOnce(ROTATIONS * PER_FILE),
        marks: ROTATIONS - 1,
      });
      expect(await world.metric('pollard_gaps_total')).toBe(ROTATIONS - 1);

      // Two files' worth between two polls: the first of them is lost to everybody, and named.
      for (let i = 0; i < 2 * PER_FILE; i++) container.writeLine('stdout', `at once, line ${i}`);
      await world.caughtUp();
      expect(await figuresOf(world)).toEqual({
        ...eachOnce((ROTATIONS + 2) * PER_FILE),
        inLoki: (ROTATIONS + 1) * PER_FILE,
        named: PER_FILE,
        marks: ROTATIONS,
      });
      await expectNothingHeld(world);
    });
  },
);
