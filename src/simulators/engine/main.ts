import { parseArgs } from 'node:util';
import { compareVersions } from './api-version.js';
import { ChattyWorkload } from './chatty-workload.js';
import { ENGINE_PROFILES, type EngineProfileName } from './profile.js';
import { seededRandom } from './seeded-random.js';
import { startEngineSimulator } from './simulator.js';
import { writtenJson } from './written-json.js';

/**
 * A simulated Engine with chatty containers, in a process of its own:
 *
 *   node main.js --socket PATH [--containers N] [--rate LINES_A_SECOND] [--profile 28.5] [--seed N]
 *     [--rotate-bytes N] [--rotate-files N] [--until-stdin-ends]
 *
 * Prints one line of JSON when it is ready: `{"ready":true,"socket":PATH,"pid":N}`. Beside the Engine's own
 * endpoints: `/_simulator/written` (every line ever written, NDJSON), `/_simulator/finish` (all containers
 * end, nothing more is written), `/_simulator/state` (connections, requests, violations). Ends with SIGTERM; with
 * `--until-stdin-ends` also when its standard input does, as it does when whoever started it is gone.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      socket: { type: 'string' },
      containers: { type: 'string', default: '7' },
      rate: { type: 'string', default: '100' },
      profile: { type: 'string', default: '28.5' },
      seed: { type: 'string', default: '1' },
      'rotate-bytes': { type: 'string', default: String(256 * 1024) },
      'rotate-files': { type: 'string', default: '5' },
      'until-stdin-ends': { type: 'boolean', default: false },
    },
  });
  if (values.socket === undefined) throw new Error('--socket PATH is missing');
  if (!Object.hasOwn(ENGINE_PROFILES, values.profile)) {
    const known = Object.keys(ENGINE_PROFILES).sort(compareVersions).join(', ');
    throw new Error(`--profile ${values.profile}: known are ${known}`);
  }
  const rate = numberOf('rate', values.rate);
  const random = seededRandom(numberOf('seed', values.seed));

  const control = (path: string): Iterable<Buffer> | undefined => {
    switch (path) {
      case '/_simulator/written':
        return writtenJson(simulator);
      case '/_simulator/finish':
        workload.finish();
        return [Buffer.from('{"finished":true}\n')];
      case '/_simulator/state': {
        const { total, violations } = simulator.requests;
        const state = { connections: simulator.connections(), requests: total, violations };
        return [Buffer.from(`${JSON.stringify(state)}\n`)];
      }
      default:
        return undefined;
    }
  };
  const simulator = await startEngineSimulator({
    socketPath: values.socket,
    profile: values.profile as EngineProfileName,
    random,
    control,
  });
  const workload = new ChattyWorkload(simulator, {
    random,
    containers: numberOf('containers', values.containers),
    linesPerStep: 0,
    // A step is short here.
    burstChance: 0.01,
    deathChance: 0.005,
    rotation: {
      bytes: numberOf('rotate-bytes', values['rotate-bytes']),
      files: numberOf('rotate-files', values['rotate-files']),
    },
  });

  // As many lines as are due, whatever the timer makes of its interval.
  const begin = performance.now();
  let written = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begin) / 1000) * rate);
    workload.step(due - written);
    written = due;
  }, STEP_MS);

  const end = (): void => {
    clearInterval(timer);
    if (values['until-stdin-ends']) process.stdin.destroy();
    simulator.close().catch(fail);
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  if (values['until-stdin-ends']) process.stdin.once('end', end).resume();
  const ready = { ready: true, socket: values.socket, pid: process.pid };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

const STEP_MS = 50;

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} ${text}: a number is wanted`);
  return value;
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

main().catch(fail);
