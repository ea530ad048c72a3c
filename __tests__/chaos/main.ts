import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINE_PROFILES, type EngineProfileName } from '../../src/simulators/engine/index.js';
import { Dice } from './dice.js';
import { chaosReport, holds } from './report.js';
import { runChaos } from './run.js';

/** What is left open may go by itself for so long after the report, ms. */
const LINGERS_MS = 5000;

/**
 * A long random run of faults, reconciled at its end: the built collector between a simulated Engine and a simulated
 * Loki, side by side for one version of the Engine of each meaning of `since`. Containers of all kinds write, come and go; the Engine, Loki and
 * the clock go wrong; the collector is stopped, and killed. The same seed decides the same.
 *
 *   npm run chaos -- [--seconds 600] [--seed 1] [--steps 200] [--engine 20.10 ...] [--keep]
 *
 * Exit code 1 when a line is unexplained or there twice, 2 when a run did not come to its end; then, or with --keep, the
 * folder is left: the log of the steps and of the collector, its state directory, and the report of `verify`.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '600' },
      seed: { type: 'string' },
      engine: { type: 'string', multiple: true, default: [] },
      steps: { type: 'string', default: 'Infinity' },
      keep: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
  if (!(seconds > 0)) throw new Error(`--seconds ${values.seconds}: a number above 0 is wanted`);
  if (!Number.isInteger(seed)) throw new Error(`--seed ${values.seed ?? ''}: a whole number is wanted`);
  const steps = Number(values.steps);
  if (!(steps > 0)) throw new Error(`--steps ${values.steps}: a number above 0 is wanted`);
  const profiles = values.engine.length === 0 ? ofBothGenerations(seed) : values.engine.map(profileOf);

  const folder = mkdtempSync(join(tmpdir(), `pollard-chaos-${seed}-`));
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  say(`seed ${seed}, ${seconds} s, in ${folder}`);
  // All of them come to their end, also where one fails: none may outlive the report.
  const runs = await Promise.allSettled(
    profiles.map((profile) =>
      runChaos({ profile, seed, seconds, steps, say, folder: join(folder, profile) }),
    ),
  );
  const results = runs.flatMap((run) => (run.status === 'fulfilled' ? [run.value] : []));
  process.stdout.write(`\n${chaosReport(results)}`);
  for (const [index, run] of runs.entries()) {
    if (run.status === 'rejected') say(`Engine ${profiles[index]}: ${told(run.reason)}`);
  }
  const ended = results.length === runs.length;
  const good = ended && results.every(holds);
  if (good && !values.keep) {
    rmSync(folder, { recursive: true });
    return;
  }
  say(`all there was is in ${folder}; again: make chaos SECONDS=${seconds} SEED=${seed}`);
  process.exitCode = good ? 0 : ended ? 1 : 2;
}

/**
 * Ends the process, and names what keeps it alive, if something still does so long after the report. Also where nothing
 * does: while node 20 takes its environment down, it may wait for ever for a request on a socket that is gone
 * (src/env.cc, Environment::CleanupHandles), which takes a whole processor. process.exit() leaves that out.
 */
function endSoon(): void {
  process.once('beforeExit', () => process.exit());
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`ended although there still is: ${open}\n`);
    process.exit();
  }, LINGERS_MS).unref();
}

function told(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** One version of the Engine for each meaning of `since`. */
function ofBothGenerations(seed: number): EngineProfileName[] {
  const dice = new Dice(seed);
  const names = Object.keys(ENGINE_PROFILES) as EngineProfileName[];
  return (['filter', 'seek'] as const).map((since) =>
    dice.pick(names.filter((name) => ENGINE_PROFILES[name].since === since)),
  );
}

function profileOf(name: string): EngineProfileName {
  if (name in ENGINE_PROFILES) return name as EngineProfileName;
  throw new Error(`--engine ${name}: known are ${Object.keys(ENGINE_PROFILES).join(', ')}`);
}

main()
  .catch((error: unknown) => {
    process.stderr.write(`${told(error)}\n`);
    process.exitCode = 2;
  })
  .finally(endSoon);
