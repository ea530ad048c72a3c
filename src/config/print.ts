import { originText, type Origin } from './given.js';
import type { Config } from './schema.js';
import { ROOT, type Section, type Setting } from './settings.js';
import { withoutCredentials } from './shown.js';
import { yamlValue } from './written.js';

const MASK = '***';

/**
 * The configuration in effect as YAML, every setting with its value and secrets masked. Read again, it gives the
 * same configuration but for what is masked.
 *
 * @param origins where values came from, said behind them; what is not in it is a default
 */
export function printConfig(config: Config, origins?: ReadonlyMap<string, Origin>): string {
  return `${linesOf(ROOT, config, 0, origins).join('\n')}\n`;
}

function linesOf(
  section: Section,
  values: Readonly<Record<string, unknown>>,
  depth: number,
  origins: ReadonlyMap<string, Origin> | undefined,
): string[] {
  const indent = '  '.repeat(depth);
  return [...section.children].flatMap(([key, child]) => {
    const value = values[key];
    if (value === undefined) return [];
    if (child.type === 'setting') {
      const origin = origins?.get(child.path);
      const comment = origin === undefined ? '' : ` # ${originText(origin)}`;
      return [`${indent}${key}: ${yamlValue(child, masked(child, value))}${comment}`];
    }
    const below = linesOf(child, value as Record<string, unknown>, depth + 1, origins);
    return below.length === 0 ? [`${indent}${key}: {}`] : [`${indent}${key}:`, ...below];
  });
}

function masked(setting: Setting, value: unknown): unknown {
  if (!setting.secret) return value;
  if (typeof value !== 'string') {
    return Object.fromEntries(Object.keys(value as object).map((name) => [name, MASK]));
  }
  // Of an address all but the credentials can be shown.
  return URL.canParse(value) && value.includes('://') ? withoutCredentials(value) : MASK;
}
