import { setTimeout as delay } from 'node:timers/promises';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import {
  merged,
  SHORT_TIMEOUTS,
  withCollector,
  type CollectingWorld,
  type ContainerAccount,
  type Settings,
} from '../collecting/index.js';
import { until } from '../until.js';
import type { Fault } from './fault.js';
import { CONTAINER_KINDS, Talker, type ContainerKind } from './talkers.js';

/** What a run under a fault came to. */
export interface FaultRun {
  /** By the type of the container; a container that was made anew counts to its type as well. */
  readonly cells: ReadonlyMap<ContainerKind, readonly ContainerAccount[]>;
  /** Lines that are accounted for under no container of the run. */
  readonly strangers: readonly ContainerAccount[];
  /** Sockets to the Engine at the end, as the collector and as the Engine count them. */
  readonly sockets: { readonly collector: number; readonly engine: number };
  /** Requests that no collector may send. */
  readonly violations: readonly string[];
}

const STEP_MS = 25;
const STEPS_BEFORE = 3;
const STEPS_AFTER = 3;
/** Under a fault that takes long, the containers say less. */
const TALKS_OFTEN = 8;
const TALKS_SELDOM = 5;

/** Runs one fault: all types of containers at once, talking before it, under it, and when it is over. */
export async function runFault(
  fault: Fault,
  profile: EngineProfileName,
  settings: Settings,
): Promise<FaultRun> {
  let run: FaultRun | undefined;
  const { settings: own = {}, ...options } = fault.world ?? {};
  const bounded = merged(merged(SHORT_TIMEOUTS, settings), own);
  await withCollector({ ...options, profile, settings: bounded }, async (world) => {
    const talkers = CONTAINER_KINDS.map((kind) => new Talker(kind, world.engine, fault.containers));
    await world.start();
    await talk(talkers, STEPS_BEFORE);
    await world.caughtUp();

    const { struck, lift } = await fault.strike(world, talkers);
    let steps = 0;
    await until(
      `"${fault.name}" has struck all containers`,
      async () => {
        const talks = fault.quiet !== true && (steps < TALKS_OFTEN || steps % TALKS_SELDOM === 0);
        steps++;
        if (talks) await talk(talkers, 1);
        return struck();
      },
      { instead: () => world.log.messages.slice(-5) },
    );
    await lift();

    await talk(talkers, STEPS_AFTER);
    for (const talker of talkers) talker.finish();
    await world.drained();
    await world.stop();
    run = await resultOf(world, talkers, fault.madeUp);
  });
  return run as FaultRun;
}

async function talk(talkers: readonly Talker[], steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    for (const talker of talkers) talker.speak();
    await delay(STEP_MS);
  }
}

async function resultOf(
  world: CollectingWorld,
  talkers: readonly Talker[],
  madeUp: RegExp | undefined,
): Promise<FaultRun> {
  const cells = new Map<ContainerKind, ContainerAccount[]>(CONTAINER_KINDS.map((kind) => [kind, []]));
  const strangers: ContainerAccount[] = [];
  for (const [id, account] of await world.accounts({ madeUp })) {
    const kind = talkers.find(({ ids }) => ids.has(id))?.kind;
    if (kind === undefined) strangers.push(account);
    else cells.get(kind)?.push(account);
  }
  // The Engine learns a little later that a connection was closed.
  await until('the Engine has no connection open', () => world.engine.connections().open === 0);
  return {
    cells,
    strangers,
    sockets: { collector: world.service.engineSockets(), engine: world.engine.connections().open },
    violations: world.engine.requests.violations,
  };
}
