import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, type ConfigProblem } from '../../src/config/config-error.js';
import { loadConfigWithOrigins, type LoadedConfig } from '../../src/config/load.js';
import type { Setting } from '../../src/config/settings.js';
import { withFolder } from './test-folder.js';

export interface GivenTexts {
  /** The content of the configuration file; undefined: there is none. */
  readonly yaml?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** The name of the file in messages. */
export const FILE = 'pollard.yaml';
const NOT_THERE = join(tmpdir(), 'pollard-no-such-folder', FILE);

/** Loads from texts alone, whatever is in this machine's /etc and environment. */
export async function loadTexts({ yaml, env = {}, flags = {} }: GivenTexts): Promise<LoadedConfig> {
  if (yaml === undefined) return await loadConfigWithOrigins({ env, flags, defaultFile: NOT_THERE });
  return await withFolder('config', async (folder) => {
    const file = join(folder, FILE);
    await writeFile(file, yaml);
    return await loadConfigWithOrigins({ env, flags, defaultFile: file });
  });
}

/** The refusal of what must be refused. */
export async function refusalOf(texts: GivenTexts): Promise<ConfigError> {
  try {
    await loadTexts(texts);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('this configuration was accepted');
}

/** Each problem as `setting: problem`, without where it came from. */
export async function problemsOf(texts: GivenTexts): Promise<string[]> {
  return (await refusalOf(texts)).problems.map(textOf);
}

function textOf({ setting, problem }: ConfigProblem): string {
  return setting === undefined ? problem : `${setting}: ${problem}`;
}

/** A YAML file with one setting in it, its value as YAML. */
export function yamlWith({ path }: Pick<Setting, 'path'>, value: string): string {
  const keys = path.split('.');
  return keys.map((key, depth) => `${'  '.repeat(depth)}${key}:`).join('\n') + ` ${value}\n`;
}

const PARTNERS: Readonly<Record<string, string>> = {
  'docker.tls.cert_file': 'docker.tls.key_file',
  'docker.tls.key_file': 'docker.tls.cert_file',
  'loki.tls.cert_file': 'loki.tls.key_file',
  'loki.tls.key_file': 'loki.tls.cert_file',
  'loki.basic_auth.username': 'loki.basic_auth.password_file',
  'loki.basic_auth.password_file': 'loki.basic_auth.username',
  'loki.basic_auth.password': 'loki.basic_auth.username',
  'status.tls.cert_file': 'status.tls.key_file',
  'status.tls.key_file': 'status.tls.cert_file',
};

/** The other setting without which this one cannot be, with some value. */
export function neededBeside({ path }: Pick<Setting, 'path'>): Record<string, string> {
  const partner = PARTNERS[path];
  return partner === undefined ? {} : { [partner]: 'x' };
}
