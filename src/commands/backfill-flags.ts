import type { BackfillSelection } from '../backfill/run-name.js';
import { checkRunName } from '../backfill/run-name.js';
import type { Config } from '../config/schema.js';
import { parseBytes, parseDuration } from '../config/values.js';
import type { StampRange } from '../loki/read/stamp-range.js';
import { PollardError } from '../model/errors.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import { checkRange, parseTime } from './time-option.js';

/** The options of `backfill`, as they were typed. */
export interface BackfillTexts {
  readonly since?: string;
  readonly until?: string;
  readonly container?: readonly string[];
  readonly project?: string;
  readonly service?: string;
  readonly label?: readonly string[];
  readonly name?: string;
  readonly dryRun?: boolean;
  readonly blind?: boolean;
  readonly intoLive?: boolean;
  readonly restart?: boolean;
  readonly rate?: string;
  readonly concurrency?: string;
  readonly patience: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** The same, read. */
export interface BackfillFlags {
  readonly range: StampRange;
  readonly selection: BackfillSelection;
  /** Undefined: made from the range and the selection. */
  readonly name: string | undefined;
  readonly dryRun: boolean;
  readonly blind: boolean;
  /** Old lines may not go into a stream of their own. */
  readonly intoLive: boolean;
  readonly restart: boolean;
  /** Bytes a second. */
  readonly rate: number;
  readonly concurrency: number;
  /** ms. */
  readonly patienceMs: number;
  readonly quiet: boolean;
  readonly json: boolean;
}

const MOST_CONCURRENT = 64;

/**
 * Reads the options of `backfill`.
 *
 * @param now wall clock
 * @param zone in which days begin and times without a zone are; default: the machine's
 * @throws PollardError for the first that cannot be
 */
export function readBackfillFlags(
  texts: BackfillTexts,
  { backfill }: Pick<Config, 'backfill'>,
  now: Nanoseconds,
  zone?: string,
): BackfillFlags {
  if (texts.since === undefined)
    throw refused('--since', 'is required', 'write --since yesterday, --since 36h or a time');
  const option = { now, localTimes: true, ...(zone === undefined ? {} : { zone }) };
  const from = parseTime(texts.since, { ...option, flag: '--since', bound: 'begin' });
  const until =
    // The range ends where the day begins: `--until today` leaves today out.
    texts.until === undefined ? now : parseTime(texts.until, { ...option, flag: '--until', bound: 'begin' });
  checkRange(from, until);
  const blind = texts.blind === true;
  const dryRun = texts.dryRun === true;
  if (blind && dryRun) {
    throw refused(
      '--blind',
      'cannot be used with --dry-run',
      'a dry run reports what Loki does not have, and has to ask it',
    );
  }
  return {
    range: { from, until },
    selection: {
      containers: texts.container ?? [],
      ...(texts.project === undefined ? {} : { project: texts.project }),
      ...(texts.service === undefined ? {} : { service: texts.service }),
      labels: Object.fromEntries((texts.label ?? []).map(readLabel)),
    },
    name: texts.name === undefined ? undefined : checkRunName(texts.name),
    dryRun,
    blind,
    // Without asking, nobody knows what a stream of its own has from an earlier run.
    intoLive: texts.intoLive === true || blind,
    restart: texts.restart === true,
    rate: texts.rate === undefined ? backfill.rate : readRate(texts.rate),
    concurrency: texts.concurrency === undefined ? backfill.concurrency : readConcurrency(texts.concurrency),
    patienceMs: readPatience(texts.patience),
    quiet: texts.quiet === true,
    json: texts.json === true,
  };
}

function readLabel(written: string): readonly [name: string, value: string] {
  const at = written.indexOf('=');
  if (at <= 0)
    throw refused('--label', `${JSON.stringify(written)} has no value`, 'write --label name=value');
  return [written.slice(0, at), written.slice(at + 1)];
}

function readRate(written: string): number {
  const bytes = parseBytes(written.replace(/\/s$/i, ''));
  if (bytes !== undefined && bytes >= 1024) return bytes;
  throw refused(
    '--rate',
    `${JSON.stringify(written)} is no rate`,
    'write one such as 1MiB/s, at least 1KiB/s',
  );
}

function readConcurrency(written: string): number {
  const number = /^\d{1,3}$/.test(written) ? Number(written) : 0;
  if (number >= 1 && number <= MOST_CONCURRENT) return number;
  throw refused(
    '--concurrency',
    `${JSON.stringify(written)} is not allowed`,
    `write a number from 1 to ${MOST_CONCURRENT}`,
  );
}

function readPatience(written: string): number {
  const ms = parseDuration(written);
  if (ms !== undefined) return ms;
  throw refused(
    '--patience',
    `${JSON.stringify(written)} is no length of time`,
    'write one such as 30s, 15m or 2h; 0: do not wait',
  );
}

function refused(flag: string, problem: string, hint: string): PollardError {
  return new PollardError('usage', `${flag} ${problem}`, { setting: flag, hint, exit: 'usage' });
}
