import type { Clock } from '../../src/model/clock.js';
import {
  seededRandom,
  type EngineSimulator,
  type EngineSimulatorOptions,
} from '../../src/simulators/engine/index.js';
import {
  startLokiSimulator,
  type LokiSimulator,
  type LokiSimulatorOptions,
} from '../../src/simulators/loki/index.js';
import { withEngine } from './simulated-engine.js';

export interface SimulatorsOptions {
  readonly profile?: EngineSimulatorOptions['profile'];
  readonly loki?: Omit<LokiSimulatorOptions, 'clock'>;
  /** Of both simulators. Default: the machine's. */
  readonly clock?: Clock;
  /** Of the Engine alone, which may run on another machine. */
  readonly engineClock?: Clock;
  /** Of Loki alone, whose clock may be wrong. */
  readonly lokiClock?: Clock;
  readonly seed?: number;
}

export interface Simulators {
  readonly engine: EngineSimulator;
  readonly loki: LokiSimulator;
  /** Of the test's own; the Engine's socket is in it. */
  readonly folder: string;
}

/** Runs with a simulated Engine, a simulated Loki and a folder, of which nothing is left afterwards. */
export async function withSimulators(
  { profile, loki: limits, clock, engineClock = clock, lokiClock = clock, seed = 1 }: SimulatorsOptions,
  use: (simulators: Simulators) => Promise<void>,
): Promise<void> {
  const random = seededRandom(seed);
  const options = {
    random,
    ...(profile === undefined ? {} : { profile }),
    ...(engineClock === undefined ? {} : { clock: engineClock }),
  };
  await withEngine(options, async (engine, folder) => {
    const loki = await startLokiSimulator({
      random,
      ...limits,
      ...(lokiClock === undefined ? {} : { clock: lokiClock }),
    });
    try {
      await use({ engine, loki, folder });
    } finally {
      await loki.close();
    }
  });
}
