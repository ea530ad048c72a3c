import { createHash } from 'node:crypto';
import { PollardError } from '../model/errors.js';
import { formatStamp, type Nanoseconds } from '../model/nanoseconds.js';
import type { StampRange } from '../loki/read/stamp-range.js';

/** Which containers a backfill covers, as it was asked for. Empty: all that are collected. */
export interface BackfillSelection {
  /** Names with `*` and `?`, or beginnings of ids. */
  readonly containers: readonly string[];
  /** The Compose project (label `com.docker.compose.project`). */
  readonly project?: string;
  /** The Compose service (label `com.docker.compose.service`). */
  readonly service?: string;
  /** Container labels and their values. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A name is also a file name and the value of a label. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;

/**
 * The name of a run: its range in UTC and, if only some containers are chosen, a short hash of the selection. The same
 * range and selection always have the same name, so that an interrupted run is found again.
 */
export function runName(range: StampRange, selection: BackfillSelection): string {
  const name = `from-${compact(range.from)}-to-${compact(range.until)}`;
  const key = selectionKey(selection);
  return key === ALL ? name : `${name}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}

/** A selection as text: equal for equal selections, whatever their order. */
export function selectionKey({ containers, project, service, labels }: BackfillSelection): string {
  return JSON.stringify([
    [...containers].sort(),
    project ?? null,
    service ?? null,
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  ]);
}

const ALL = selectionKey({ containers: [], labels: {} });

/**
 * Checks a name that an operator gave.
 *
 * @throws PollardError `backfill_name_invalid`
 */
export function checkRunName(name: string): string {
  if (NAME.test(name)) return name;
  throw new PollardError(
    'backfill_name_invalid',
    `--name: ${JSON.stringify(name.slice(0, 120))} is not allowed`,
    {
      setting: '--name',
      hint: 'use up to 100 letters, digits, dots, dashes and underscores, with a letter or digit at both ends',
      exit: 'usage',
    },
  );
}

/** `2026-11-27T00-00-00Z`, or `2026-11-27T00-00-00.5Z`: a file name should have no colons. */
function compact(stamp: Nanoseconds): string {
  return formatStamp(stamp)
    .replace(/\.?0*Z$/, 'Z')
    .replaceAll(':', '-');
}
