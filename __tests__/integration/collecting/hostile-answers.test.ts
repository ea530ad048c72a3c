import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { PollardError } from '../../../src/model/errors.js';
import type { Endpoint, Fault, SimulatedContainer } from '../../../src/simulators/engine/index.js';
import { withCollector, type CollectingWorld, type Settings } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

const KIB = 1024;

const settings: Settings = {
  docker: { max_answer_bytes: 64 * KIB, timeout: '1s' },
  poll: { max_frame_bytes: 64 * KIB, deadline: '2s', idle_timeout: '1s' },
};

/** Errors of Pollard that were told with this code. */
function errorsOf({ log }: CollectingWorld, code: string): { error: PollardError; container: unknown }[] {
  return log.messages.flatMap(({ fields: { error, container } }) =>
    error instanceof PollardError && error.code === code ? [{ error, container }] : [],
  );
}

/** By the setting, as `/metrics` has it. */
async function cutOff(world: CollectingWorld, setting: string): Promise<number> {
  const { text } = await world.page('/metrics');
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`pollard_answers_cut_off_total{setting="${setting}"}`));
  return Number(line?.split(' ')[1] ?? 'NaN');
}

/** Nothing was said that was not meant to be said. */
function expectTyped({ log }: CollectingWorld): void {
  const errors = log.messages.flatMap(({ fields: { error } }) => (error === undefined ? [] : [error]));
  expect(errors.filter((error) => !(error instanceof PollardError))).toEqual([]);
}

const LOGS: readonly (readonly [string, { readonly tty: boolean }, Fault, string, string | undefined])[] = [
  [
    'a frame of 4 GiB',
    { tty: false },
    { kind: 'huge_frame', afterPieces: 1 },
    'poll.max_frame_bytes',
    'log_too_large',
  ],
  [
    'a line without end of a TTY',
    { tty: true },
    { kind: 'huge_frame', afterPieces: 0 },
    'poll.max_frame_bytes',
    'log_too_large',
  ],
  [
    'an answer without end, a byte now and then',
    { tty: false },
    { kind: 'drip', bytes: 1, everyMs: 100 },
    'poll.deadline',
    undefined,
  ],
  [
    'an answer that stops',
    { tty: false },
    { kind: 'stall', afterPieces: 1 },
    'poll.idle_timeout',
    'log_stalled',
  ],
  ['no answer', { tty: false }, { kind: 'hang_before_header' }, 'poll.idle_timeout', 'engine_timeout'],
];

describe.each(LOGS)('the log of a container: %s', (_, options, fault, setting, code) => {
  test('is cut off at its bound, told and counted; the others go on, and all is there when it is over', async () => {
    await withCollector({ settings }, async (world) => {
      const { engine } = world;
      const bad = engine.addContainer({ name: 'bad', ...options });
      const good = engine.addContainer({ name: 'good' });
      await world.start();
      for (const each of [bad, good]) each.writeLine('stdout', 'before');
      await world.caughtUp();
      const before = await cutOff(world, setting);

      engine.fault({ endpoint: 'logs', container: 'bad' }, fault);
      for (let i = 0; i < 20; i++) bad.writeLine('stdout', `line ${i}`);
      await until('it is cut off', async () => (await cutOff(world, setting)) >= before + 2, {
        instead: () => world.log.messages.slice(-3),
      });
      good.writeLine('stdout', 'meanwhile');
      await until('the other one is collected', () => isThere(world, 'meanwhile'));
      if (code !== undefined) {
        const told = errorsOf(world, code).find(({ container }) => container === 'bad');
        expect(told).toMatchObject({ error: { setting } });
        expect(world.health.report().parts.containers.reason).toContain('bad');
      }
      // Never more than what is allowed, and what is on the way.
      const sizes = engine.requests.of('logs').map(({ bytes = 0 }) => bytes);
      expect(Math.max(...sizes)).toBeLessThan(4 * KIB * KIB);

      engine.clearFaults();
      await world.caughtUp();
      await world.stop();
      expectTyped(world);
      const accounts = [...(await world.accounts()).values()];
      expect(accounts.map(({ name, lost, twice, marks }) => ({ name, lost, twice, marks }))).toEqual([
        { name: 'bad', lost: 0, twice: 0, marks: [] },
        { name: 'good', lost: 0, twice: 0, marks: [] },
      ]);
    });
  });
});

function isThere({ loki }: CollectingWorld, text: string): boolean {
  return loki.entries().some(({ line }) => line === text);
}

test('a line without end of a container without TTY is delivered in pieces of the allowed length, and ends with the poll', async () => {
  const cut: Settings = { ...settings, lines: { max_bytes: 32 * KIB, open_max_age: '1h' } };
  const rate = 1024 * KIB * KIB;
  const limits = { ingestionRateBytes: rate, perStreamRateBytes: rate, shardStreams: false };
  const generous = { ...limits, ingestionBurstBytes: rate, perStreamBurstBytes: rate };
  await withCollector({ settings: cut, loki: { limits: generous } }, async (world) => {
    const { engine, loki } = world;
    const bad = engine.addContainer({ name: 'bad' });
    await world.start();
    bad.writeLine('stdout', 'before');
    await world.caughtUp();
    engine.fault(
      { endpoint: 'logs', container: 'bad', times: 1 },
      { kind: 'endless_line', afterPieces: 100 },
    );
    bad.writeLine('stdout', 'and then');
    await until('it is cut off', async () => (await cutOff(world, 'poll.deadline')) > 0);
    expect(await world.metric('pollard_cut_lines_total')).toBeGreaterThan(0);
    expect(Math.max(...loki.entries().map(({ line }) => line.length))).toBe(32 * KIB);
    bad.writeLine('stdout', 'all is well');
    await until('it goes on', () => isThere(world, 'all is well'));
    expectTyped(world);
  });
});

const OTHERS: readonly (readonly [Exclude<Endpoint, 'logs'>, Fault, string, string])[] = [
  ['list', { kind: 'endless_line', afterPieces: 0 }, 'docker.max_answer_bytes', 'engine_answer_too_large'],
  ['list', { kind: 'drip', bytes: 1, everyMs: 50 }, 'docker.timeout', 'engine_timeout'],
  ['events', { kind: 'endless_line', afterPieces: 0 }, 'docker.max_answer_bytes', 'engine_answer_too_large'],
  ['events', { kind: 'never_ends' }, 'docker.timeout', 'engine_timeout'],
  ['inspect', { kind: 'endless_line', afterPieces: 0 }, 'docker.max_answer_bytes', 'engine_answer_too_large'],
  ['inspect', { kind: 'hang_after_header' }, 'docker.timeout', 'engine_timeout'],
];

describe.each(OTHERS)('%s without end (%o)', (endpoint, fault, setting, code) => {
  test('is cut off at its bound, told and counted; what is known is collected on', async () => {
    await withCollector({ settings }, async (world) => {
      const { engine } = world;
      const good = engine.addContainer({ name: 'good' });
      const other = engine.addContainer({ name: 'other' });
      await world.start();
      for (const each of [good, other]) each.writeLine('stdout', 'before');
      await world.caughtUp();

      engine.fault({ endpoint, ...(endpoint === 'inspect' ? { container: 'other' } : {}) }, fault);
      if (endpoint === 'inspect') other.restart();
      await until('it is cut off', async () => (await cutOff(world, setting)) >= 2, {
        instead: () => world.log.messages.slice(-3),
      });
      good.writeLine('stdout', 'meanwhile');
      await until('others are collected', () => isThere(world, 'meanwhile'));
      // Of the other one, or of none.
      const asked = endpoint === 'inspect' ? 'other' : undefined;
      const told = errorsOf(world, code).find(({ container }) => container === asked);
      expect(told?.error).toMatchObject({ setting, hint: expect.stringContaining(setting) });
      if (endpoint !== 'inspect') expect(world.health.report().parts.engine.state).toBe('unhealthy');

      engine.clearFaults();
      engine.addContainer({ name: 'late' }).writeLine('stdout', 'a late line');
      await until('a new one is found', () => isThere(world, 'a late line'));
      await until('all is well', () => world.health.report().state === 'healthy', {
        instead: () => world.health.report(),
      });
      expectTyped(world);
    });
  });
});

describe('a container that cannot be understood', () => {
  /** By kind, as `/metrics` has it. */
  async function skipped(world: CollectingWorld, kind: string): Promise<number> {
    const { text } = await world.page('/metrics');
    const name = `pollard_malformed_items_total{kind="${kind}"}`;
    const line = text.split('\n').find((each) => each.startsWith(name));
    return Number(line?.split(' ')[1] ?? 'NaN');
  }

  test('an id of another form: skipped, reported once, counted; the others are collected', async () => {
    await withCollector({ settings }, async (world) => {
      const { engine, log } = world;
      const good = engine.addContainer({ name: 'good' });
      const foreign = engine.addContainer({ name: 'foreign', id: 'ctr-of-another-runtime' });
      await world.start();
      good.writeLine('stdout', 'before');
      await until('it is collected', () => isThere(world, 'before'));
      await until('the foreign one is skipped', async () => (await skipped(world, 'container')) >= 2);
      foreign.restart();
      await until('its events are skipped', async () => (await skipped(world, 'event')) >= 2);
      engine.addContainer({ name: 'late' }).writeLine('stdout', 'late');
      await until('a new one is collected', () => isThere(world, 'late'));
      good.remove();
      await until('one that is removed is noticed', () =>
        world.service.containers().some(({ name, life }) => name === 'good' && life === 'gone'),
      );
      expect(world.health.report().parts.engine.state).toBe('healthy');
      expect(world.service.containers().map(({ name }) => name)).not.toContain('foreign');
      expect(engine.requests.all.some(({ containerId }) => containerId === foreign.id)).toBe(false);
      const told = log.messages.filter(({ message }) => message.startsWith('a container in the list'));
      expect(told).toHaveLength(1);
      expect(told[0]?.fields['problem']).toContain('Id: ');
      expectTyped(world);
    });
  });
});

describe('more than anybody has', () => {
  test('a million containers in the list: cut off, and what was known stays', async () => {
    await withCollector({}, async (world) => {
      const { engine } = world;
      const good = engine.addContainer({ name: 'good' });
      await world.start();
      good.writeLine('stdout', 'before');
      await world.caughtUp();
      const one = JSON.stringify({
        Id: '0'.repeat(64),
        Names: ['/x'],
        Image: 'i',
        Labels: {},
        State: 'exited',
      });
      const lift = engine.fault({ endpoint: 'list' }, { kind: 'repeat', piece: `${one},`, times: 1_000_000 });
      await until('it is cut off', async () => (await cutOff(world, 'docker.max_answer_bytes')) > 0);
      good.writeLine('stdout', 'meanwhile');
      await until('what is known is collected', () => isThere(world, 'meanwhile'));
      expect(world.service.containers()).toHaveLength(1);
      lift();
      await until('all is well', () => world.health.report().parts.engine.state === 'healthy');
    });
  });

  test('a hundred thousand labels of a container: as many as are asked for are taken', async () => {
    const options: Settings = { labels: { from_container: { team: 'team' } } };
    await withCollector({ settings: options }, async (world) => {
      const { engine, loki } = world;
      await world.start();
      const labels: Record<string, string> = { team: 'red' };
      for (let i = 0; i < 100_000; i++) labels[`label.${i}`] = randomBytes(8).toString('hex');
      const crowded: SimulatedContainer = engine.addContainer({ name: 'crowded', labels });
      crowded.writeLine('stdout', 'a line');
      await until('it is collected', () => isThere(world, 'a line'));
      const [entry] = loki.entries();
      expect(Object.keys(entry?.labels ?? {}).length).toBeLessThan(15);
      expect(entry?.labels).toMatchObject({ team: 'red', container: 'crowded' });
    });
  });
});
