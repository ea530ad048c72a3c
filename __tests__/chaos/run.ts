import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineProfileName } from '../../src/simulators/engine/index.js';
import { until } from '../support/until.js';
import { ACTIONS } from './actions/index.js';
import { resultOf, type ChaosResult } from './result.js';
import { ChaosWorld } from './world.js';

export interface ChaosOptions {
  readonly profile: EngineProfileName;
  readonly seed: number;
  /** How long things go wrong; beside it there is time to drain. */
  readonly seconds: number;
  /** Ends it after so many steps, even before. What is decided until then is always the same. */
  readonly steps?: number;
  /** Of its own; it is left as it is, with the log of the steps. */
  readonly folder: string;
  /** Told how far it is, now and then. */
  readonly say: (text: string) => void;
}

const SAY_EVERY_MS = 10_000;
/** The pause between two steps, ms. */
const PAUSE = [10, 120] as const;
/** The chance that a step has an action beside the lines that are written. */
const ACTION_CHANCE = 0.35;
const CALM_CHANCE = 0.01;
const PATIENCE_MS = 180_000;

/** Lets things go wrong for so long, then lifts it all, waits until all is collected, and holds it to account. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { profile, seed, folder } = options;
  const world = await ChaosWorld.open(profile, seed, folder);
  try {
    world.startCollector();
    await goWrong(world, options);
    await drain(world);
    return { ...(await resultOf(world, folder)), profile, seed, seconds: options.seconds };
  } finally {
    writeFileSync(join(folder, 'steps.txt'), `${world.log.lines.join('\n')}\n`);
    await world.close();
  }
}

async function goWrong(
  world: ChaosWorld,
  { seconds, steps = Infinity, say, profile }: ChaosOptions,
): Promise<void> {
  const { dice, crowd } = world;
  const begun = performance.now();
  let saidAt = begun;
  while (performance.now() - begun < seconds * 1000 && world.step < steps) {
    world.step++;
    await world.due();
    crowd.talk(dice.between(0, 3));
    if (world.step >= world.calmUntil) {
      if (dice.chance(CALM_CHANCE)) {
        const steps = dice.between(40, 150);
        world.calmUntil = world.step + steps;
        world.log.note(world.step, `calm for ${steps} steps`);
      } else if (dice.chance(ACTION_CHANCE)) await act(world);
    }
    if (performance.now() - saidAt >= SAY_EVERY_MS) {
      saidAt = performance.now();
      say(`Engine ${profile}: ${progress(world, (saidAt - begun) / 1000)}`);
    }
    await delay(dice.between(...PAUSE));
  }
}

async function act(world: ChaosWorld): Promise<void> {
  const action = world.dice.weighted(ACTIONS);
  const done = await action.act(world);
  if (done === undefined) return;
  world.taken.set(action.name, (world.taken.get(action.name) ?? 0) + 1);
  world.log.note(world.step, done);
}

function progress({ step, engine, loki, collector }: ChaosWorld, seconds: number): string {
  const { killed, stopped } = collector.counts;
  const written = engine.containers.reduce((sum, { written: lines }) => sum + lines.length, 0);
  return [
    `${seconds.toFixed(0)} s`,
    `${step} steps`,
    `${written} lines of ${engine.containers.length} containers`,
    `${loki.counts().entries} entries in Loki`,
    `faults ${engine.faultsStruck} + ${loki.outagesStruck}`,
    `${killed} kills, ${stopped} stops`,
    `${collector.named.length} missed`,
  ].join(', ');
}

/** All faults are lifted, all containers end, and the collector has all the time it needs. */
async function drain(world: ChaosWorld): Promise<void> {
  const { engine, loki, clock, collector, crowd, log } = world;
  await world.settle();
  engine.clearFaults();
  loki.clearOutages();
  clock.set(0);
  log.note(world.step, 'all faults are lifted');
  if (collector.asked !== 'up') {
    await collector.stopped();
    world.startCollector();
  }
  for (const { talker } of crowd.everybody) {
    const { container } = talker;
    if (!container.running && container.state === 'exited') container.start();
    talker.speak();
    talker.finish();
  }
  const service = await collector.listening();
  let left: unknown = [];
  await until(
    'each container is read to its end',
    async () => {
      world.look();
      const { containers } = await service.status();
      const present = new Map(engine.containers.map(({ id }) => [id.slice(0, 12), id]));
      const open = containers.filter(
        ({ id, life }) => life === 'active' || (present.has(id) && life !== 'drained'),
      );
      const unknown = [...present.keys()].filter((id) => !containers.some((each) => each.id === id));
      left = [...open, ...unknown];
      return open.length === 0 && unknown.length === 0;
    },
    {
      patience: PATIENCE_MS,
      instead: () => left,
      hopeless: () => (service.running ? undefined : service.lastWords()),
    },
  );
  // All was read to its end: so it has looked.
  world.sight.hasLooked(collector.cursors());
  collector.beginStop();
  await collector.stopped();
}
