import { ConfigError } from '../../config/config-error.js';
import type { Origin } from '../../config/given.js';
import { DEFAULT_FILE, type LoadedConfig } from '../../config/load.js';
import type { HostNotice } from '../wiring/pipeline-settings.js';
import { failureOf, goodPart, warning, type Part } from './part.js';

/**
 * The configuration, loaded or refused.
 *
 * @param notice about what it leaves open
 */
export function configurationPart({ file, origins }: LoadedConfig, notice?: HostNotice): Part {
  const from = [...origins.values()];
  const count = (kind: Origin['kind']): number => from.filter((origin) => origin.kind === kind).length;
  const sources = [
    [count('file'), 'from it'],
    [count('environment'), 'from the environment'],
    [count('flag'), 'from flags'],
  ].flatMap(([settings, whence]) =>
    settings === 0
      ? []
      : [`${String(settings)} ${settings === 1 ? 'setting' : 'settings'} ${String(whence)}`],
  );
  const read = file ?? `no file (${DEFAULT_FILE} is not there)`;
  const rest = sources.length === 0 ? 'all defaults' : sources.join(', ');
  const facts = {
    file: file ?? null,
    settings: { file: count('file'), environment: count('environment'), flags: count('flag') },
  };
  const warnings =
    notice === undefined ? [] : [warning(notice.code, notice.message, notice.hint, notice.setting)];
  return goodPart('configuration', `${read}: ${rest}`, { facts, warnings });
}

/** @throws the error itself unless it is one that Pollard throws on purpose */
export function refusedConfigurationPart(error: unknown): Part {
  const failure = failureOf(error);
  const problems =
    error instanceof ConfigError ? error.problems.map(({ setting, problem }) => ({ setting, problem })) : [];
  return { ...goodPart('configuration', failure.message, { facts: { problems } }), failure };
}
