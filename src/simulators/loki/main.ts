import { parseArgs } from 'node:util';
import { DEFAULT_LIMITS, type LokiLimits } from './limits.js';
import { startLokiSimulator } from './simulator.js';

/**
 * A simulated Loki in a process of its own:
 *
 *   node main.js [--port N] [--limits JSON] [--version 3.5|3.7] [--auth] [--count-only]
 *     [--until-stdin-ends]
 *
 * `--limits` holds what is other than the defaults, as `{"maxStreams":10}`. Prints one line of JSON when it is
 * ready: `{"ready":true,"url":"http://127.0.0.1:N","pid":N}`. What can be asked beside Loki's own endpoints
 * stands in control.ts. Ends with SIGTERM; with `--until-stdin-ends` also when its standard input does, as it does
 * when whoever started it is gone.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      limits: { type: 'string', default: '{}' },
      version: { type: 'string', default: '3.5' },
      auth: { type: 'boolean', default: false },
      'count-only': { type: 'boolean', default: false },
      'until-stdin-ends': { type: 'boolean', default: false },
    },
  });
  const { version } = values;
  if (version !== '3.5' && version !== '3.7') throw new Error(`--version ${version}: 3.5 or 3.7 is wanted`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port ${values.port}: 0 to 65535 is wanted`);
  }
  const simulator = await startLokiSimulator({
    port,
    version,
    limits: readLimits(values.limits),
    authEnabled: values.auth,
    countOnly: values['count-only'],
  });

  const end = (): void => {
    if (values['until-stdin-ends']) process.stdin.destroy();
    simulator.close().catch(fail);
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  if (values['until-stdin-ends']) process.stdin.once('end', end).resume();
  process.stdout.write(`${JSON.stringify({ ready: true, url: simulator.url, pid: process.pid })}\n`);
}

function readLimits(text: string): Partial<LokiLimits> {
  const limits = JSON.parse(text) as unknown;
  if (typeof limits !== 'object' || limits === null || Array.isArray(limits)) {
    throw new Error('--limits: a JSON object is wanted');
  }
  for (const name of Object.keys(limits)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new Error(`--limits: ${name} is unknown; known are ${Object.keys(DEFAULT_LIMITS).join(', ')}`);
    }
  }
  return limits;
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

main().catch(fail);
