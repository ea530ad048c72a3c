import type { Command } from 'commander';
import { Option } from 'commander';
import { loadConfigWithOrigins, type LoadedConfig } from '../config/load.js';
import { OLD_NAMES } from '../config/renamed.js';
import { settingFlags } from '../config/setting-flags.js';

/** Shown in every `--help`; the others are taken as well. */
const USUAL: ReadonlySet<string> = new Set([
  'docker.host',
  'loki.url',
  'loki.tenant',
  'collector.state_dir',
  'start',
  'log.level',
]);

/** Adds `--config` and a flag for each setting to a command. */
export function withSettings(command: Command): Command {
  command.option(
    '-c, --config <file>',
    'the YAML file; default: POLLARD_CONFIG, else /etc/pollard/pollard.yaml',
  );
  for (const { flag, path, description } of settingFlags()) {
    const option = new Option(`${flag} <value>`, `${path}: ${description}`);
    command.addOption(USUAL.has(path) ? option : option.hideHelp());
  }
  for (const { flag, setting } of OLD_NAMES) {
    command.addOption(new Option(`${flag} <value>`, `the old name of ${setting.flag}`).hideHelp());
  }
  return command.addHelpText(
    'after',
    '\nEvery setting is a flag, too (poll.interval: --poll-interval), and an environment variable\n' +
      '(POLLARD_POLL_INTERVAL). Flags win, then the environment, then the file. All of them: pollard config',
  );
}

/**
 * The configuration as a command was given it, and where it came from.
 *
 * @throws ConfigError with all problems at once
 */
export async function loadedConfigOf(command: Command, env: NodeJS.ProcessEnv): Promise<LoadedConfig> {
  const given = command.opts<Record<string, string | undefined>>();
  const flags: Record<string, string> = {};
  for (const { flag, path } of [...settingFlags(), ...OLD_NAMES]) {
    const value = given[camelCase(flag)];
    if (value !== undefined) flags[path] = value;
  }
  const file = given['config'];
  return await loadConfigWithOrigins({ ...(file === undefined ? {} : { file }), env, flags });
}

/** As commander names an option's value. */
function camelCase(flag: string): string {
  return flag.slice(2).replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
