import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Outage } from '../../../src/simulators/loki/index.js';
import { accountOf, withPushing, type PushingWorld } from '../../support/pushing/index.js';
import { runs } from '../../support/effort.js';
import { NOW, numbered, testTarget } from '../../support/push-lines.js';
import { until } from '../../support/until.js';

const TARGET = testTarget({ containerId: 'c1', structuredMetadata: { container_id: 'c1' } });

/** The one wait in which what was sent must arrive: no time passes on the clock of these tests. */
const SETTLE_MS = 3456;

/** All that clients sent, also those that are gone, has arrived and was carried out. */
async function settled({ loki }: PushingWorld): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  await until('no request is under way', () => loki.underWay === 0);
}

const anyOutage = fc.constantFrom<Outage | undefined>(
  undefined,
  'refuse',
  'reset',
  'reset-after-accept',
  'hang',
  'hang-after-accept',
  'freeze',
  { status: 500 },
  { status: 503, afterAccept: true },
  { status: 504, afterAccept: true },
  { status: 429 },
);

const anyStep = fc.record({
  /** How many lines are read and sent in a push. */
  lines: fc.integer({ min: 1, max: 60 }),
  outage: anyOutage,
  /** Requests that the outage strikes; retries after which a freeze ends. */
  length: fc.integer({ min: 1, max: 4 }),
  /** The process is killed when it has made so many requests in this step. */
  killedAfter: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 2 }),
  /** The push is stored, and the cursor is not written. */
  uncommitted: fc.boolean(),
});
interface Step {
  lines: number;
  outage: Outage | undefined;
  length: number;
  killedAfter: number | undefined;
  uncommitted: boolean;
}

/** Reads a log from its cursor on and sends it, as a collector does that is killed now and then. */
class Collector {
  readonly #world: PushingWorld;
  readonly #log = numbered(300, NOW, 'x'.repeat(20));
  #cursor = 0;

  constructor(world: PushingWorld) {
    this.#world = world;
    world.sent.push(...this.#log.map((line) => ({ target: TARGET, line })));
  }

  get done(): boolean {
    return this.#cursor === this.#log.length;
  }

  async step({ lines, outage, length, killedAfter, uncommitted }: Step): Promise<void> {
    const { loki, told } = this.#world;
    let lift = (): void => undefined;
    let retries = 0;
    if (outage === 'freeze') {
      lift = loki.outage(outage);
      told.atRetry = () => {
        if (++retries === length) lift();
      };
    } else if (outage !== undefined) {
      lift = loki.outage(outage, { forRequests: length });
    }
    const kill = new AbortController();
    let attempts = 0;
    told.atAttempt = () => {
      if (++attempts === killedAfter) kill.abort(new Error('killed'));
    };
    const end = Math.min(this.#cursor + lines, this.#log.length);
    try {
      await this.#world.pushAgain(this.#log.slice(this.#cursor, end), TARGET, kill.signal);
      if (uncommitted) this.#world.doubts.raise('c1');
      else this.#cursor = end;
    } catch (error) {
      if (!kill.signal.aborted) throw error;
      this.#world.restart();
    } finally {
      // A frozen Loki goes on at some time, and then has all that was sent to it.
      lift();
    }
    // A complete poll.
    if (this.done) this.#world.doubts.settle('c1');
  }
}

test('whatever timeouts, resets, errors after storing, freezes and kills: nothing lost, nothing twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 1, maxLength: 8 }),
      fc.record({
        version: fc.constantFrom('3.5' as const, '3.7' as const),
        headBlockBytes: fc.constantFrom(1, 200, 256 * 1024),
        shardDesiredRateBytes: fc.constantFrom(1000, 1536 * 1024),
        encoding: fc.constantFrom('protobuf' as const, 'json' as const),
      }),
      async (steps, { encoding, version, ...limits }) => {
        const loki = { version, limits: { ...limits, discoverLogLevels: false } };
        await withPushing(
          { loki, settings: { encoding, timeoutMs: 150, settleMs: SETTLE_MS } },
          async (world) => {
            world.clock.meanwhile = async (ms) => (ms === SETTLE_MS ? await settled(world) : undefined);
            const collector = new Collector(world);
            for (const step of steps) await collector.step(step);
            world.loki.clearOutages();
            const rest = {
              lines: 100,
              outage: undefined,
              length: 1,
              killedAfter: undefined,
              uncommitted: false,
            };
            while (!collector.done) await collector.step(rest);
            expect(await accountOf(world)).toMatchObject({ rejected: [], lost: [], twice: [], unknown: [] });
            expect(world.told.replayed).toEqual([]);
          },
        );
      },
    ),
    { numRuns: runs(40) },
  );
}, 600_000);
