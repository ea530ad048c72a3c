import { audit, type AuditOptions } from '../audit/audit.js';
import type { AuditReport } from '../audit/report.js';
import type { MalformedItem } from '../docker/malformed.js';
import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import { chosenByName } from './chosen-containers.js';
import type { TextSink } from './print-error.js';
import { checkRange, parseTime } from './time-option.js';
import { verifyJson } from './verify-json.js';
import { verifyText } from './verify-text.js';

/** All that the command works with; what it is told by its flags comes apart. */
export interface VerifyParts extends Omit<AuditOptions, 'since' | 'until' | 'settings'> {
  readonly out: TextSink;
  readonly settings: Omit<AuditOptions['settings'], 'samples'>;
  /** Called with the report before it is printed. */
  readonly onReport?: (report: AuditReport) => void;
}

export interface VerifyFlags {
  /** As parseTime reads it; default: a day back. */
  readonly since?: string;
  /** Default: now. */
  readonly until?: string;
  /** Names, in which * and ? stand for others, or beginnings of ids; none: all that are collected. */
  readonly containers: readonly string[];
  /** Lines shown as examples, of each kind and container; default 10. */
  readonly samples?: number;
  /** One JSON document instead of a table. */
  readonly json: boolean;
  /** In which days begin; default: the machine's. */
  readonly zone?: string;
}

const DEFAULT_SINCE = '1d';
const DEFAULT_SAMPLES = 10;

/**
 * `pollard verify`: holds the Engine's logs against Loki and prints what became of every line. With the part
 * `repair`, what is missing is sent, and looked for again.
 *
 * @returns the exit code: ok only if nothing is missing; mismatch if something is; partial if a container could not
 *   be read to its end, lines could not be judged, or a repair did not send lines that are in Loki under other labels;
 *   engine or loki if these did not answer
 * @throws PollardError for flags that cannot be, and when the Engine cannot be asked for its containers
 */
export async function verify(parts: VerifyParts, flags: VerifyFlags, signal: AbortSignal): Promise<number> {
  const { clock, out, settings, engine } = parts;
  const begun = clock.monotonic();
  const now = clock.now();
  const zone = flags.zone === undefined ? {} : { zone: flags.zone };
  const since = parseTime(flags.since ?? DEFAULT_SINCE, { flag: '--since', bound: 'begin', now, ...zone });
  const until =
    flags.until === undefined
      ? undefined
      : parseTime(flags.until, { flag: '--until', bound: 'end', now, ...zone });
  checkRange(since, until ?? now);
  const skipped: MalformedItem[] = [];
  const listed = await engine.list(signal, (item) => skipped.push(item));
  const collected = listed.filter(parts.selects ?? (() => true));
  const chosen = new Set(chosenByName(collected, listed, flags.containers).map(({ id }) => id));
  const report = await audit(
    {
      ...parts,
      // What is told is what was chosen from: not another list.
      engine: { list: async () => await Promise.resolve(listed), inspect: engine.inspect.bind(engine) },
      selects: ({ id }) => chosen.has(id),
      // Of those that are named, none can be one of them.
      skipped: flags.containers.length === 0 ? skipped : [],
      since,
      ...(until === undefined ? {} : { until }),
      settings: { ...settings, samples: flags.samples ?? DEFAULT_SAMPLES },
    },
    signal,
  );
  parts.onReport?.(report);
  const seconds = (clock.monotonic() - begun) / 1000;
  const code = exitCodeOf(report);
  out.write(flags.json ? verifyJson(report, seconds, code) : verifyText(report, seconds));
  return code;
}

function exitCodeOf({ failure, totals, containers, withheld, skipped }: AuditReport): number {
  if (failure !== undefined)
    return failure instanceof PollardError ? ExitCode[failure.exit] : ExitCode.failure;
  if (totals.missing > 0) return ExitCode.mismatch;
  if (withheld > 0 || skipped > 0) return ExitCode.partial;
  const unread = containers.some(
    ({ status }) => status === 'partial' || status === 'unreadable' || status === 'failed',
  );
  return unread || totals.crowded + totals.changed > 0 ? ExitCode.partial : ExitCode.ok;
}
