import { join } from 'node:path';
import { loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';

export interface DemoConfigParts {
  readonly engine: { readonly address: string; readonly simulated: boolean };
  readonly loki: { readonly address: string; readonly simulated: boolean };
  /** The demo's own folder. */
  readonly folder: string;
  /** By this label its lines are told from those of other runs. */
  readonly run: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The label `job` of all that a demo sends. */
export const DEMO_JOB = 'pollard-demo';
/** The label with the run. */
export const RUN_LABEL = 'demo_run';

/**
 * The configuration of the demo: that of the service, with a state directory of its own and polls that a viewer
 * need not wait for. No file is read; of the environment only what says how a real Engine or a real Loki is
 * reached (`DOCKER_CERT_PATH`, `POLLARD_LOKI_TENANT` and so on).
 *
 * @throws ConfigError
 */
export async function demoConfig(parts: DemoConfigParts): Promise<Config> {
  const { engine, loki, folder, run, env } = parts;
  return await loadConfig({
    env: wayThere(env, !engine.simulated, !loki.simulated),
    // Read if it is there, and it never is.
    defaultFile: join(folder, 'no-configuration.yaml'),
    flags: {
      'collector.state_dir': stateDir(folder),
      'docker.host': engine.address,
      'loki.url': loki.address,
      // A real Engine's containers have cursors before the first poll; what has none was born later.
      start: 'beginning',
      'discovery.events_interval': '500ms',
      'discovery.list_interval': '5s',
      'poll.interval': '1s',
      'poll.min_interval': '500ms',
      'poll.max_interval': '2s',
      // A line left open for long is one line in the account, and must not become two here.
      'lines.open_max_age': '1h',
      'loki.batch.max_age': '500ms',
      'labels.job': DEMO_JOB,
      'labels.static': { [RUN_LABEL]: run },
      'status.listen': '127.0.0.1:0',
      'log.level': 'warn',
    },
  });
}

function stateDir(folder: string): string {
  return join(folder, 'state');
}

function wayThere(env: NodeJS.ProcessEnv, toEngine: boolean, toLoki: boolean): NodeJS.ProcessEnv {
  const wanted = (name: string): boolean =>
    (toEngine && /^(?:DOCKER_(?:TLS_VERIFY|CERT_PATH)$|POLLARD_DOCKER_)/.test(name)) ||
    (toLoki && name.startsWith('POLLARD_LOKI_'));
  return Object.fromEntries(Object.entries(env).filter(([name]) => wanted(name)));
}
