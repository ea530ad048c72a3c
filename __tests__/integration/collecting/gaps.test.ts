import { describe, expect, test } from '@jest/globals';
import { isGapText } from '../../../src/collector/gap.js';
import type { EngineProfileName, SimulatedContainer } from '../../../src/simulators/engine/index.js';
import {
  SHORT_TIMEOUTS,
  withCollector,
  type CollectingWorld,
  type Settings,
} from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const DAY = 24 * 3_600_000;
/** Two files of five entries. */
const SMALL = { maxSize: { entries: 5 }, maxFiles: 2 };

interface NoGap {
  readonly name: string;
  readonly settings?: Settings;
  readonly act: (
    world: CollectingWorld,
    web: SimulatedContainer,
    clock: PassingClock,
  ) => void | Promise<void>;
}

/** What looks as if something was lost, and is not. */
const NONE: readonly NoGap[] = [
  { name: 'the container is restarted', act: (_, web) => web.restart() },
  {
    name: 'the Engine is restarted, and the container with it',
    act: async ({ engine }) => await engine.restartDaemon({ liveRestore: false }),
  },
  {
    name: 'its log is emptied by hand, and seen to be empty',
    act: async (world, web) => {
      web.log.truncateByHand();
      const before = world.pollsOf(web.id);
      await until('it is polled again', () => world.pollsOf(web.id) > before + 1);
    },
  },
  {
    name: 'it says nothing for longer than lines are kept',
    act: async ({ engine }, _web, clock) => {
      for (let day = 0; day < 30; day++) {
        clock.pass(DAY);
        const before = engine.requests.count('logs');
        await until('it is polled again', () => engine.requests.count('logs') > before);
      }
    },
  },
  { name: 'the clock is set back', act: (_world, _web, clock) => clock.step(-600_000) },
  { name: 'the clock is set forward', act: (_world, _web, clock) => clock.step(600_000) },
  {
    name: 'the service is stopped and started again',
    act: async (world) => {
      await world.stop();
      await world.start();
    },
  },
  {
    name: 'it is renamed',
    act: (_, web) => web.rename('web-2'),
  },
];

async function gapsOf(world: CollectingWorld): Promise<{ counted: number; told: number; marked: string[] }> {
  const told = world.log.messages.filter(({ message }) => message.includes('lines were lost'));
  const marked = world.loki.entries().filter(({ line }) => isGapText(line));
  return {
    counted: await world.metric('pollard_gaps_total'),
    told: told.length,
    marked: marked.map(({ line }) => line),
  };
}

const NO_GAP = { counted: 0, told: 0, marked: [] };
const PROFILES: readonly EngineProfileName[] = ['20.10', '28.5'];

describe.each([...PROFILES])('no gap is told of with an Engine %s', (profile) => {
  test.concurrent.each([...NONE])('when $name', async ({ act, settings = {} }) => {
    const clock = new PassingClock();
    await withCollector({ profile, clock, settings }, async (world) => {
      const { engine, loki } = world;
      const web = engine.addContainer({ name: 'web' });
      engine.addContainer({ name: 'silent' });
      await world.start();
      web.writeLine('stdout', 'before');
      web.writeLine('stderr', 'before, too');
      await world.caughtUp();
      await act(world, web, clock);
      for (let i = 0; i < 3; i++) web.writeLine('stdout', `behind ${i}`);
      await until('what came behind it is there', () =>
        loki.entries().some(({ line }) => line === 'behind 2'),
      );
      await world.caughtUp();
      expect(await gapsOf(world)).toEqual(NO_GAP);
      const account = (await world.accounts()).get(web.id);
      expect(account).toMatchObject({ written: 5, inLoki: 5, lost: 0, twice: 0, named: 0 });
    });
  });

  test.concurrent.each(['beginning', 'end', '1h'])(
    'when it is polled for the first time, from %s, and its log was rotated before',
    async (start) => {
      await withCollector({ profile, settings: { start } }, async (world) => {
        const { engine, loki } = world;
        const web = engine.addContainer({ name: 'web', rotation: SMALL });
        for (let i = 0; i < 20; i++) web.writeLine('stdout', `old ${i}`);
        const left = [...engine.written()].filter(({ gone }) => !gone).length;
        await until('that was before the watch', () => web.createdNs < world.clock.now() - 1_100_000_000n);
        await world.start();
        await until('it is polled', () => world.pollsOf(web.id) > 0);
        web.writeLine('stdout', 'new');
        await until('the new line is there', () => loki.entries().some(({ line }) => line === 'new'));
        await world.caughtUp();
        expect(await gapsOf(world)).toEqual(NO_GAP);
        expect(loki.counts().entries).toBe(start === 'end' ? 1 : left + 1);
      });
    },
  );
});

describe.each([true, false])(
  'lines that were rotated away before they could be read, gaps.marker: %s',
  (marker) => {
    test.concurrent.each([...PROFILES])(
      'are counted and told of once, with an Engine %s',
      async (profile) => {
        await withCollector({ profile, settings: { gaps: { marker } } }, async (world) => {
          const { engine, loki } = world;
          const web = engine.addContainer({ name: 'web', rotation: SMALL });
          await world.start();
          web.writeLine('stdout', 'before');
          await world.caughtUp();
          for (let i = 0; i < 20; i++) web.writeLine('stdout', `line ${i}`);
          await until('the last one is there', () => loki.entries().some(({ line }) => line === 'line 19'));
          await world.caughtUp();
          expect(await gapsOf(world)).toEqual({
            counted: 1,
            told: 1,
            marked: marker ? [expect.stringMatching(/^pollard: gap: lines of container web between /)] : [],
          });
        });
      },
    );
  },
);

test.concurrent(
  'lines inside of a gap whose stamps are those of the line behind it are named, and that one is there',
  async () => {
    await withCollector({}, async (world) => {
      const { engine, loki } = world;
      const web = engine.addContainer({ name: 'web', rotation: { maxFiles: 2 } });
      await world.start();
      web.writeLine('stdout', 'before');
      await world.caughtUp();
      await world.stop();
      const stamp = world.clock.now();
      for (let i = 0; i < 4; i++) web.writeLine('stdout', `inside ${i}`, stamp + BigInt(i));
      web.log.rotate();
      web.writeLine('stdout', 'behind', stamp);
      web.log.rotate();
      web.writeLine('stdout', 'last', stamp + 10n);
      await world.start();
      await until('the last one is there', () => loki.entries().some(({ line }) => line === 'last'));
      await world.caughtUp();
      const account = (await world.accounts()).get(web.id);
      expect(account).toMatchObject({ written: 7, inLoki: 3, named: 4, lost: 0, unknown: 0, gaps: 1 });
    });
  },
);

describe.each([...PROFILES])('where Engine %s passes over a file without a word', (profile) => {
  const CASES = [
    { ends: true, more: 0 },
    { ends: false, more: 0 },
    { ends: false, more: 30 },
  ] as const;

  test.concurrent.each(CASES)(
    'that is named; answers come to their end: $ends; lines behind it: $more',
    async (how) => {
      const { ends, more } = how;
      await withCollector({ profile, ...(ends ? {} : { settings: SHORT_TIMEOUTS }) }, async (world) => {
        const { engine, loki } = world;
        const rotation = { maxSize: { entries: 6 }, maxFiles: 3, compress: true };
        const web = engine.addContainer({ name: 'web', rotation });
        await world.start();
        for (let i = 0; i < 6; i++) web.writeLine('stdout', `before ${i}`);
        await world.caughtUp();
        const lift = ends
          ? () => undefined
          : engine.fault({ endpoint: 'logs', container: web.id }, { kind: 'never_ends' });
        web.writeLine('stdout', 'torn');
        web.log.corrupt(-1);
        for (let i = 1; i < 8; i++) web.writeLine('stdout', `behind ${i}`);
        await until('what is shown is there', () => loki.entries().some(({ line }) => line === 'behind 7'));
        for (let i = 0; i < more; i++) web.writeLine('stdout', `later ${i}`);
        lift();
        await world.caughtUp();
        await until('the gap is told of', async () => (await gapsOf(world)).marked.length > 0);
        const account = (await world.accounts()).get(web.id);
        expect(account).toMatchObject({ written: 14 + more, lost: 0, unknown: 0, twice: 0 });
      });
    },
  );
});

describe.each(['json-file', 'local'])('a log of %s that was rotated before its first poll', (driver) => {
  /** Four files of about 25 lines, of which the last three stay. */
  const rotation = { maxSize: { bytes: 4000 }, maxFiles: 3, compress: false };
  const text = (i: number): string => `line ${i} `.padEnd(100, 'x');

  test.each([
    { lines: 500, possible: 1, what: 'its beginning is named as possibly lost' },
    { lines: 20, possible: 0, what: 'nothing is named where it never was rotated' },
  ])('$lines lines: $what', async ({ lines, possible }) => {
    await withCollector({}, async (world) => {
      const { engine } = world;
      await world.start();
      const web = engine.addContainer({ name: 'web', driver, rotation });
      for (let i = 0; i < lines; i++) web.writeLine('stdout', text(i));
      await world.caughtUp();
      for (let i = lines; i < lines + 5; i++) web.writeLine('stdout', text(i));
      await world.caughtUp();

      const account = (await world.accounts()).get(web.id);
      expect(account).toMatchObject({ written: lines + 5, lost: 0, twice: 0, unknown: 0, gaps: possible });
      if (possible > 0) expect(account?.named).toBeGreaterThan(lines / 2);
      else expect(account?.named).toBe(0);
      expect(await world.metric('pollard_possible_gaps_total')).toBe(possible);
      expect(await world.metric('pollard_gaps_total')).toBe(0);
      const said = world.log.messages.filter(({ message }) => message.includes('may have been lost'));
      expect(said).toHaveLength(possible);
      if (possible > 0) expect(said[0]?.message).toMatch(/^up to [\d.]+ s from the start .* at most 12 kB$/);
    });
  });
});
