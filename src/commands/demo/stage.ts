import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { withoutCredentials } from '../../config/shown.js';
import type { Clock } from '../../model/clock.js';
import { sharedController } from '../../model/shared-controller.js';
import type { Cleanup } from './cleanup.js';
import { DEMO_JOB, demoConfig, RUN_LABEL } from './config.js';
import { findEngine, findLoki } from './find-real.js';
import type { DemoOptions } from './options.js';
import { SimulatedEngine } from './simulated-engine.js';
import type { SimulatorProcess } from './simulator-process.js';
import { startSimulatedEngine, startSimulatedLoki } from './simulators.js';

/** Where the demo plays: real or simulated, both sides answer. */
export interface Stage {
  readonly config: Config;
  /** Undefined: a real one. */
  readonly simulatedEngine: SimulatedEngine | undefined;
  readonly simulatedLoki: boolean;
  /** What is used and why, for people. */
  readonly said: { readonly engine: string; readonly loki: string };
  /** Aborts when a simulator ends by itself. */
  readonly broken: AbortSignal;
}

export interface StageContext {
  readonly options: DemoOptions;
  readonly env: NodeJS.ProcessEnv;
  /** The demo's own. */
  readonly folder: string;
  readonly run: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Looks for a real Engine and a real Loki, and starts a simulator for each that there is not.
 *
 * @throws PollardError when one that was named on the command line does not answer, or a simulator does not start
 */
export async function setStage(context: StageContext, cleanup: Cleanup): Promise<Stage> {
  const { options, env, folder, run } = context;
  const broken = sharedController();
  const watch = (simulator: SimulatorProcess): void => {
    cleanup.add(() => simulator.stop());
    const end = (error: unknown): void => broken.abort(error);
    simulator.failed.then(end, end);
  };
  // One after the other: an error of the first must not leave the second behind.
  const engine = await findEngine(context);
  const loki = await findLoki(context);

  let lokiAddress: string;
  if (loki.address === undefined) {
    const simulator = await startSimulatedLoki();
    watch(simulator);
    lokiAddress = String(simulator.ready['url']);
  } else {
    lokiAddress = loki.address;
  }
  const labels = `{job="${DEMO_JOB}", ${RUN_LABEL}="${run}"}`;
  const lokiSaid =
    loki.address === undefined
      ? `simulated at ${lokiAddress}, as strict as a real one: ${loki.why}`
      : `${withoutCredentials(loki.address)}, ${loki.version}; look for ${labels}`;

  let socket: string | undefined;
  if (engine.address === undefined) {
    // Last, as its containers begin to talk at once.
    watch(await startSimulatedEngine(folder, options));
    socket = join(folder, 'engine.sock');
  }
  const engineSaid =
    engine.address === undefined
      ? `simulated, ${options.containers} chatty containers, ${options.rate} lines a second and bursts: ${engine.why}`
      : `${withoutCredentials(engine.address)}, ${engine.version}; what its containers write from now on`;

  return {
    config: await demoConfig({
      engine: {
        address: engine.address ?? `unix://${socket ?? ''}`,
        simulated: engine.address === undefined,
      },
      loki: { address: lokiAddress, simulated: loki.address === undefined },
      folder,
      run,
      env,
    }),
    simulatedEngine: socket === undefined ? undefined : new SimulatedEngine(socket),
    simulatedLoki: loki.address === undefined,
    said: { engine: engineSaid, loki: lokiSaid },
    broken: broken.signal,
  };
}
