import { describe, expect, test } from '@jest/globals';
import type { HealthReport } from '../../../src/observe/health.js';
import type { SimulatedContainer } from '../../../src/simulators/engine/index.js';
import {
  merged,
  withCollector,
  type CollectingWorld,
  type Settings,
} from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const KIB = 1024;
const MINUTE = 60_000;
const STEPS = 18;
const STEP = 10 * MINUTE;
const IN_FLIGHT = 1024 * KIB;
/** What the kernel and the two processes hold of a connection before the reader is slowed down. */
const ON_THE_WAY = 1024 * KIB;
const BACKLOG = 8000;

const settings: Settings = {
  memory: { max_in_flight: IN_FLIGHT },
  loki: { batch: { max_bytes: 128 * KIB }, limits: { max_span: '1m' } },
};
/** Loki takes nothing that is more than two minutes behind its stream's newest: what came out of order is refused. */
const strict = { limits: { maxChunkAgeMs: 4 * MINUTE } };

async function health(world: CollectingWorld): Promise<{ status: number; report: HealthReport }> {
  const { status, text } = await world.page('/healthz');
  return { status, report: JSON.parse(text) as HealthReport };
}

/** No poll of it can be under way any more that reads. */
async function nothingIsRead(world: CollectingWorld): Promise<void> {
  await until('the collector has given up reading', async () => {
    const asked = world.engine.requests.of('logs');
    return (
      (await health(world)).report.parts.loki.state !== 'healthy' &&
      asked.every(({ bytes }) => bytes !== undefined)
    );
  });
}

function writeMany(container: SimulatedContainer, lines: number, bytes = KIB): void {
  for (let i = 0; i < lines; i++) container.writeLine('stdout', `${container.name} ${i} `.padEnd(bytes, 'x'));
}

/** What an operator sees of its log. */
function told({ log }: CollectingWorld): readonly string[] {
  return log.messages.filter(({ level }) => level !== 'debug').map(({ message }) => message);
}

async function tries(world: CollectingWorld): Promise<number> {
  return await world.metric('pollard_pushes_total');
}

interface Case {
  readonly name: string;
  readonly begin: (world: CollectingWorld) => Promise<void> | void;
  readonly settings?: Settings;
  /** Beside lifting the outage. */
  readonly end?: (world: CollectingWorld) => Promise<void>;
  readonly status: number;
  readonly state: string;
}

/** What heals by itself is no reason to call the collector unhealthy; what somebody must change is. */
const OUTAGES: readonly Case[] = [
  {
    name: 'nothing listens',
    begin: async ({ loki }) => await loki.stopListening(),
    end: async ({ loki }) => await loki.listen(),
    status: 200,
    state: 'degraded',
  },
  { name: '503', begin: ({ loki }) => void loki.outage({ status: 503 }), status: 200, state: 'degraded' },
  { name: '429', begin: ({ loki }) => void loki.outage({ status: 429 }), status: 200, state: 'degraded' },
  {
    name: 'it hangs',
    begin: ({ loki }) => void loki.outage('hang'),
    // Each try takes so long.
    settings: { loki: { timeout: '1s' } },
    status: 200,
    state: 'degraded',
  },
  { name: '401', begin: ({ loki }) => void loki.outage({ status: 401 }), status: 503, state: 'unhealthy' },
];

const nothing = (): Promise<void> => Promise.resolve();

describe.each(OUTAGES)(
  'Loki is away for hours: $name',
  ({ begin, end = nothing, settings: own = {}, status, state }) => {
    test('nothing is read ahead, little is said, and all is there in order when it is back', async () => {
      const clock = new PassingClock();
      await withCollector({ clock, settings: merged(settings, own), loki: strict }, async (world) => {
        const { engine, loki } = world;
        const quiet = ['one', 'two', 'three'].map((name) => engine.addContainer({ name }));
        await world.start();
        for (const container of quiet) container.writeLine('stderr', 'before');
        await world.caughtUp();
        const asked = engine.requests.count('logs');
        const ready = (await world.page('/readyz')).status;

        const since = clock.now();
        await begin(world);
        const chatty = engine.addContainer({ name: 'chatty' });
        writeMany(chatty, BACKLOG);
        for (const container of quiet) container.writeLine('stderr', 'during');
        await nothingIsRead(world);

        // What was read until then is bounded, however much there is.
        const read = engine.requests.of('logs').slice(asked);
        expect(read.reduce((sum, { bytes = 0 }) => sum + bytes, 0)).toBeLessThan(IN_FLIGHT + ON_THE_WAY);
        const atFirst = engine.requests.count('logs');
        const inFlight = await world.metric('pollard_memory_in_flight_bytes');
        expect(inFlight).toBeLessThan(2 * IN_FLIGHT);
        const said = told(world).length;

        for (let step = 0; step < STEPS; step++) {
          writeMany(chatty, 2);
          for (const container of quiet) container.writeLine('stderr', `during ${step}`);
          const before = await tries(world);
          clock.pass(STEP);
          await until('it is tried again', async () => (await tries(world)) > before);
        }

        // Three hours later nothing has changed, but that it was tried again and again.
        // A poll that was already waiting may have begun meanwhile.
        expect(engine.requests.count('logs')).toBeLessThanOrEqual(atFirst + 1);
        expect(await world.metric('pollard_memory_in_flight_bytes')).toBeLessThan(2 * IN_FLIGHT);
        // The resource watch has an opinion of so many failures, once.
        expect(told(world).slice(said)).toEqual(
          ['health of resources: degraded'].slice(0, told(world).length - said),
        );
        const now = await health(world);
        expect(now.status).toBe(status);
        expect(now.report.parts.loki).toMatchObject({ state, reason: expect.stringMatching(/.; ./) });
        const awaySince = new Date(now.report.parts.loki.since).getTime();
        expect(awaySince).toBeGreaterThanOrEqual(Number(since / 1_000_000n));
        expect(awaySince).toBeLessThan(Number(since / 1_000_000n) + STEP);
        expect(now.report.state).toBe(state);
        // It does all the work that can be done: to start it anew would not help.
        expect([ready, (await world.page('/readyz')).status]).toEqual([200, 200]);

        loki.clearOutages();
        await end(world);
        await world.caughtUp();
        await until('Loki is well again', () => world.health.report().parts.loki.state === 'healthy');
        // One after the other it would be a poll for each window: it is read as it comes.
        const drained = engine.requests.of('logs').slice(asked);
        const ofChatty = drained.filter(
          ({ containerId, bytes = 0 }) => containerId === chatty.id && bytes > 4 * KIB,
        );
        expect(ofChatty.length).toBeLessThan(20);
        await world.stop();

        // Behind hours, an older line behind a newer one would have been refused.
        const refused = Object.keys(loki.counts().refused).filter((reason) => reason !== 'rate_limited');
        expect(refused).toEqual([]);
        const accounts = [...(await world.accounts()).values()];
        expect(
          accounts.map(({ lost, twice, rejected, marks }) => ({ lost, twice, rejected, marks })),
        ).toEqual(accounts.map(() => ({ lost: 0, twice: 0, rejected: 0, marks: [] })));
        expect(accounts.map(({ name, written }) => `${name} ${written}`).sort()).toEqual([
          `chatty ${BACKLOG + 2 * STEPS}`,
          ...['one', 'three', 'two'].map((name) => `${name} ${2 + STEPS}`),
        ]);
      });
    });
  },
);
