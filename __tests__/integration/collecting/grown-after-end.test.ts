import { expect, test } from '@jest/globals';
import type { Clock } from '../../../src/model/clock.js';
import { NS_PER_MS } from '../../../src/model/nanoseconds.js';
import type { SimulatedContainer } from '../../../src/simulators/engine/container.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const EACH = 20;

/** As a daemon that goes on writing after it reported the end, or a person with an editor. */
function append(container: SimulatedContainer, world: CollectingWorld, count = EACH): void {
  for (let i = 0; i < count; i++) {
    container.log.writeLine('stdout', `after the end ${i}`, world.clock.now() + BigInt(i));
  }
}

/** A service, and a container that wrote 20 lines and ended, and of which all was read. */
async function ended(world: CollectingWorld, driver = 'json-file'): Promise<SimulatedContainer> {
  const container = world.engine.addContainer({ name: 'job', driver });
  await world.start();
  await world.caughtUp();
  for (let i = 0; i < EACH; i++) container.writeLine('stdout', `line ${i}`);
  container.die(0);
  await world.drained();
  await stored(world, EACH);
  return container;
}

async function stored({ loki }: CollectingWorld, entries: number): Promise<void> {
  await until(`Loki holds ${entries} entries`, () => loki.counts().entries === entries, {
    instead: () => loki.counts(),
  });
}

async function gone(world: CollectingWorld): Promise<void> {
  await until('its removal is known', () => world.service.containers().every(({ life }) => life === 'gone'));
}

/** Waits until a look at its end that came after `act` has found nothing more. */
async function lookedAt(world: CollectingWorld, { id }: SimulatedContainer, act: () => void): Promise<void> {
  const before = world.pollsOf(id);
  act();
  await until('it was looked at', () => world.pollsOf(id) > before);
}

/** The requests for the log of a container, each as what was asked for. */
function asked({ engine }: CollectingWorld, { id }: SimulatedContainer): (string | undefined)[] {
  const ofIt = engine.requests.of('logs').filter(({ containerId }) => containerId === id);
  return ofIt.map(({ query }) => query['tail']);
}

test('a log grows just after the end of its container: all of it is delivered', async () => {
  await withCollector({}, async (world) => {
    const job = await ended(world);
    append(job, world);
    await stored(world, 2 * EACH);
    await world.drained();
    expect((await world.accounts()).get(job.id)).toMatchObject({ written: 2 * EACH, lost: 0, twice: 0 });
  });
});

test.each([
  { after: 30_000, what: 'half a minute' },
  { after: 50 * MINUTE_MS, what: 'fifty minutes' },
])(
  'a log grows $what after the end of its container, and again: all of it is delivered',
  async ({ after }) => {
    const clock = new PassingClock();
    await withCollector({ clock }, async (world) => {
      const job = await ended(world);
      for (const times of [1, 2]) {
        clock.pass(after);
        append(job, world);
        clock.pass(10 * MINUTE_MS);
        await stored(world, EACH * (1 + times));
        await world.drained();
      }
      // Nothing is left to be delivered when it is removed.
      await lookedAt(world, job, () => clock.pass(10 * MINUTE_MS));
      job.remove();
      await gone(world);
      expect(world.missed).toEqual([]);
    });
  },
);

test('a log that grew after the end of its container, which is removed before that was read: named as missed', async () => {
  const clock = new PassingClock();
  await withCollector({ clock }, async (world) => {
    const job = await ended(world);
    const lift = world.loki.outage({ status: 503 }, { endpoint: 'push' });
    append(job, world);
    clock.pass(MINUTE_MS);
    await until('that is seen', () => world.loki.outagesStruck > 0);
    append(job, world);
    job.remove();
    await gone(world);
    lift();
    await until('it is named', () => world.missed.length > 0);
    expect(world.missed).toMatchObject([{ container: { name: 'job' }, reason: 'removed_early' }]);
  });
});

test.each([
  { driver: 'json-file', seconds: 0, missed: 0, why: 'its log was closed with it' },
  { driver: 'journald', seconds: 0, missed: 1, why: 'something may have been on its way' },
  { driver: 'journald', seconds: 15, missed: 0, why: 'nothing came any more' },
])(
  'a container with $driver is removed $seconds s after it was read to its end: missed $missed, $why',
  async ({ driver, seconds, missed }) => {
    const clock = new PassingClock();
    // By its clock the container has only just ended, however slow the machine is.
    const engineClock: Clock = {
      now: () => clock.now() + BigInt(MINUTE_MS) * NS_PER_MS,
      monotonic: () => clock.monotonic(),
      sleep: async (ms, signal) => await clock.sleep(ms, signal),
    };
    await withCollector({ clock, engineClock }, async (world) => {
      const job = await ended(world, driver);
      if (seconds > 0) await lookedAt(world, job, () => clock.pass(seconds * 1000));
      const looks = asked(world, job).length;
      job.remove();
      await gone(world);
      await world.stop();
      // Else the machine was so slow that the first look, a second after the end, came before the removal.
      if (asked(world, job).length === looks) expect(world.missed).toHaveLength(missed);
    });
  },
);

test('a log grows while no service runs: the next one delivers it, whatever the cursor says', async () => {
  await withCollector({}, async (world) => {
    const job = await ended(world);
    await world.stop();
    append(job, world);
    await world.start();
    await stored(world, 2 * EACH);
  });
});

test('a container that ended long ago: one look at the last entry by each service, and no more', async () => {
  const clock = new PassingClock();
  await withCollector({ clock }, async (world) => {
    const { engine } = world;
    const job = await ended(world);
    await world.stop();
    clock.pass(2 * HOUR_MS);
    engine.requests.clear();
    await world.start();
    await world.drained();
    const lists = engine.requests.count('list');
    clock.pass(2 * HOUR_MS);
    await until('it was listed again', () => engine.requests.count('list') > lists + 1);
    expect(asked(world, job)).toEqual(['1']);
    expect(engine.requests.of('inspect')).toHaveLength(1);
    expect(world.loki.counts()).toMatchObject({ entries: EACH, received: EACH });
  });
});

test('a container that has just ended: looked at a few times in the first hour, and then no more', async () => {
  const clock = new PassingClock();
  await withCollector({ clock }, async (world) => {
    const { engine } = world;
    const job = await ended(world);
    await lookedAt(world, job, () => clock.pass(MINUTE_MS));
    const before = asked(world, job).length;
    for (let minute = 0; minute < 90; minute++) {
      clock.pass(MINUTE_MS);
      const lists = engine.requests.count('list');
      await until('it was listed', () => engine.requests.count('list') > lists);
    }
    const looks = asked(world, job).slice(before);
    expect(new Set(looks)).toEqual(new Set(['1']));
    expect(looks.length).toBeGreaterThan(8);
    expect(looks.length).toBeLessThan(20);
  });
});

test('the Engine does not answer a look: nothing is said, and a later look brings what was written', async () => {
  // On a busy machine, nothing else must fail.
  const settings = { docker: { timeout: '1m' }, poll: { deadline: '1m', idle_timeout: '1m' } };
  await withCollector({ settings }, async (world) => {
    const job = await ended(world);
    const struck = world.engine.faultsStruck;
    const lift = world.engine.fault(
      { endpoint: 'logs', container: job.id },
      { kind: 'status', status: 409, message: 'marked for removal' },
    );
    append(job, world);
    await until('a look failed', () => world.engine.faultsStruck > struck);
    lift();
    expect(world.log.messages.filter(({ message }) => message.includes('could not be polled'))).toEqual([]);
    expect(world.health.report().state).toBe('healthy');
    await stored(world, 2 * EACH);
  });
});
