import { settingConflicts } from './checks.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import type { Conflict } from './conflict.js';
import type { FinalValues } from './final-values.js';
import type { Origin } from './given.js';
import type { Layer } from './layer.js';
import { labelConflicts } from './label-checks.js';
import { adaptDefaults, orderConflicts } from './order.js';
import { parseSettings } from './parse-settings.js';
import { CONFIG_VARIABLE, dockerTlsConflicts, readEnvironment } from './read-environment.js';
import { readFile, type NamedFile } from './read-file.js';
import { readFlags, type FlagValues } from './read-flags.js';
import type { OldNameUse } from './renamed.js';
import type { Config } from './schema.js';
import { SETTINGS } from './settings.js';

/** Read when no other file is named, if it is there. */
export const DEFAULT_FILE = '/etc/pollard/pollard.yaml';

/** Where settings come from. The flags win, then the environment, then the file, then the defaults. */
export interface ConfigSources {
  /** The file that `--config` names; else `POLLARD_CONFIG` does. */
  readonly file?: string;
  readonly env: NodeJS.ProcessEnv;
  /** By the path of the setting (`loki.url`); texts as they were typed, or values. */
  readonly flags: FlagValues;
  /** Read if it is there when none is named; `/etc/pollard/pollard.yaml` by default. */
  readonly defaultFile?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read. */
  readonly file: string | undefined;
  /** Where each setting that is not a default came from, by its path. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Old names of settings that are used: what they give counts, but they should be replaced. */
  readonly oldNames: readonly OldNameUse[];
}

/**
 * The configuration: read, completed with the defaults, and checked.
 *
 * @throws ConfigError with all that is wrong with it; nothing else
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  return (await loadConfigWithOrigins(sources)).config;
}

/**
 * The same, and where each value came from.
 *
 * @throws ConfigError
 */
export async function loadConfigWithOrigins(sources: ConfigSources): Promise<LoadedConfig> {
  const named = namedFile(sources);
  const file = await readFile(named);
  const layers: readonly Layer[] = [file, readEnvironment(sources.env), readFlags(sources.flags)];
  const given = new Map(layers.flatMap((layer) => [...layer.values]));
  const sections = new Map(layers.flatMap((layer) => [...layer.sections]));
  const unread = layers.flatMap((layer) => layer.problems);

  const { values, problems, refused } = parseSettings(given, sections);
  adaptDefaults(values);
  const conflicts = [
    ...orderConflicts(values),
    ...settingConflicts(values.config),
    ...labelConflicts(values.config),
    ...dockerTlsConflicts(sources.env, values.config),
  ];
  const unknown = new Set([...refused, ...unread.flatMap(({ setting }) => setting ?? [])]);
  const all = [
    ...unread,
    ...problems,
    ...conflicts.filter((found) => isCertain(found, unknown)).map((found) => problemOf(found, values)),
  ];
  if (all.length > 0) throw new ConfigError(all);

  const origins = new Map(
    SETTINGS.flatMap(({ path }): [string, Origin][] => {
      const origin = values.originOf(path);
      return origin === undefined ? [] : [[path, origin]];
    }),
  );
  return {
    config: values.config,
    file: file.found ? named.path : undefined,
    origins,
    oldNames: layers.flatMap((layer) => layer.oldNames),
  };
}

function namedFile({ file, env, defaultFile = DEFAULT_FILE }: ConfigSources): NamedFile {
  if (file !== undefined) return { path: file, origin: { kind: 'flag', flag: '--config' } };
  const variable = env[CONFIG_VARIABLE];
  if (variable) return { path: variable, origin: { kind: 'environment', variable: CONFIG_VARIABLE } };
  return { path: defaultFile, origin: undefined };
}

/** Whether a conflict stands between values that were accepted, and not with a default in place of a refused one. */
function isCertain({ settings }: Conflict, unknown: ReadonlySet<string>): boolean {
  return !settings.some((path) =>
    [...unknown].some(
      (other) => other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`),
    ),
  );
}

/** With where it came from, and where the other settings came from that are part of it. */
function problemOf({ settings, problem, part }: Conflict, values: FinalValues): ConfigProblem {
  const [setting, ...others] = settings;
  const origin = part === undefined ? values.originOf(setting) : values.partOrigin(setting, part);
  return {
    setting,
    problem,
    ...(origin === undefined ? {} : { origin }),
    others: others.flatMap((path) => {
      const from = values.originOf(path);
      return from === undefined ? [] : [{ setting: path, origin: from }];
    }),
  };
}
