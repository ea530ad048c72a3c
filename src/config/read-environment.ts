import { join } from 'node:path';
import type { ConfigProblem } from './config-error.js';
import { conflict, type Conflict } from './conflict.js';
import type { Given } from './given.js';
import type { Layer } from './layer.js';
import { nearest, suggestion } from './nearest.js';
import { Unreadable, valueOfText } from './read-value.js';
import { OLD_NAMES, type OldNameUse } from './renamed.js';
import type { Config } from './schema.js';
import { SETTINGS } from './settings.js';
import { printable } from './shown.js';

const PREFIX = 'POLLARD_';

/** The variable that names the configuration file. */
export const CONFIG_VARIABLE = 'POLLARD_CONFIG';

/** Variables of this name that are no settings: for the file, this repository's tests, and the Swarm stack. */
const NOT_SETTINGS: ReadonlySet<string> = new Set([
  CONFIG_VARIABLE,
  'POLLARD_E2E',
  'POLLARD_E2E_ENGINE',
  'POLLARD_E2E_SHARED_ENGINE',
  'POLLARD_ENGINES_DIR',
  'POLLARD_ENGINES_REFRESH',
  'POLLARD_IMAGE',
  'POLLARD_TEST_ALL',
  'POLLARD_TEST_WORKERS',
]);

const BY_VARIABLE = new Map(SETTINGS.map((setting) => [setting.variable, setting]));

/** Docker's own variables: https://docs.docker.com/reference/cli/docker/#environment-variables */
const DOCKER_TLS: readonly (readonly [path: string, file: string])[] = [
  ['docker.tls.ca_file', 'ca.pem'],
  ['docker.tls.cert_file', 'cert.pem'],
  ['docker.tls.key_file', 'key.pem'],
];

/**
 * What the environment gives. `POLLARD_LOKI_URL` is loki.url; a variable that is empty counts as not set, as it
 * does to Docker. What begins with `POLLARD_` and is unknown is a problem, not ignored. DOCKER_HOST, and
 * DOCKER_CERT_PATH with DOCKER_TLS_VERIFY, stand behind the variables of our own.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Layer {
  const values = dockerValues(env);
  const problems: ConfigProblem[] = [];
  const oldNames: OldNameUse[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || NOT_SETTINGS.has(variable)) continue;
    if (text === undefined || text === '') continue;
    const origin = { kind: 'environment', variable: printable(variable.slice(0, 120)) } as const;
    const old = OLD_NAMES.find((each) => each.variable === variable);
    if (old !== undefined) oldNames.push({ written: variable, instead: old.setting.variable, origin });
    // The name of today counts.
    if (old !== undefined && env[old.setting.variable]) continue;
    const setting = old?.setting ?? BY_VARIABLE.get(variable);
    if (setting === undefined) {
      problems.push({ problem: `no setting has this variable${suggestion(meant(variable))}`, origin });
      continue;
    }
    try {
      values.set(setting.path, { value: valueOfText(text, setting), origin });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      problems.push({ setting: setting.path, problem: error.message, origin });
    }
  }
  return { values, sections: new Map(), problems, oldNames };
}

/** Docker's own client turns TLS on with any DOCKER_TLS_VERIFY that is not empty, also with 0. */
function dockerValues(env: NodeJS.ProcessEnv): Map<string, Given> {
  const values = new Map<string, Given>();
  const { DOCKER_HOST: host, DOCKER_TLS_VERIFY: verify, DOCKER_CERT_PATH: folder } = env;
  if (host)
    values.set('docker.host', { value: host, origin: { kind: 'environment', variable: 'DOCKER_HOST' } });
  if (verify && folder) {
    const origin = { kind: 'environment', variable: 'DOCKER_CERT_PATH' } as const;
    for (const [path, file] of DOCKER_TLS) values.set(path, { value: join(folder, file), origin });
  }
  return values;
}

/** TLS that is asked for and not to be had must not end in a connection without it. */
export function dockerTlsConflicts(env: NodeJS.ProcessEnv, { docker }: Config): Conflict[] {
  const { DOCKER_TLS_VERIFY: verify, DOCKER_CERT_PATH: folder } = env;
  if (!verify || folder || docker.tls !== undefined || !/^(tcp|http):/i.test(docker.host)) return [];
  const problem =
    'DOCKER_TLS_VERIFY is set, and no certificates are: set DOCKER_CERT_PATH or docker.tls, or take it out';
  return [conflict(['docker.tls'], problem)];
}

function meant(variable: string): string | undefined {
  const inSection = [...BY_VARIABLE.keys()].find((known) => known.startsWith(`${variable}_`));
  return inSection ?? nearest(variable, [...BY_VARIABLE.keys(), CONFIG_VARIABLE]);
}
