import { stringify } from 'yaml';
import type { Setting } from './settings.js';
import { formatBytes, formatDuration } from './values.js';

/** A value of the program (ms, bytes) as a person writes it: `5s`, `1MiB`; lists and maps as they are. */
export function writtenValue({ kind }: Pick<Setting, 'kind'>, value: unknown): unknown {
  if (kind === 'duration') return bare(formatDuration(value as number));
  if (kind === 'bytes') return bare(formatBytes(value as number));
  if (kind === 'start' && typeof value === 'object') {
    return formatDuration((value as { backMs: number }).backMs);
  }
  return value;
}

/** What needs no unit needs no quotes either. */
function bare(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** The same as YAML on one line: `5s`, `[web-*, db]`, `{ env: prod }`. */
export function yamlValue(setting: Pick<Setting, 'kind'>, value: unknown): string {
  return stringify(writtenValue(setting, value), {
    collectionStyle: 'flow',
    lineWidth: 0,
    blockQuote: false,
    singleQuote: true,
    // Quoted also where only YAML 1.1 would read something else, such as `off`.
    compat: 'yaml-1.1',
  }).trimEnd();
}
