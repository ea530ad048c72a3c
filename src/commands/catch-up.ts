import { catchUp as catchUpAll, type CatchUpSummary } from '../collector/catch-up.js';
import type { Config } from '../config/schema.js';
import { printable } from '../config/shown.js';
import { StateLocked } from '../cursors/lock.js';
import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import { systemClock } from '../model/system-clock.js';
import { secretMask } from '../observe/secret-mask.js';
import { catchUpProgress } from './catch-up-progress.js';
import { unlessInterrupted } from './interrupted.js';
import { catchUpFigures } from './job-figures.js';
import { timeLimit, type MaxDurationPassed } from './max-duration.js';
import { formatSize, type Output } from './output.js';
import { nextStep } from './print-error.js';
import { shownText } from './shown-text.js';
import { stopSignals } from './stop-signals.js';
import { watchJob, type WatchedJob } from './wiring/job-watch.js';
import { knownSecrets } from './wiring/known-secrets.js';
import { observeParts, silently, standardLogger } from './wiring/observe-parts.js';
import { createOneShot } from './wiring/one-shot.js';

export interface CatchUpFlags {
  /** The summary as one JSON object. */
  readonly json: boolean;
  /** ms after which it gives up; undefined: never. */
  readonly maxDuration: number | undefined;
  /** Another process that holds the state directory does the work: nothing is done, and that is no failure. */
  readonly skipIfLocked: boolean;
}

/**
 * `pollard catch-up`: from the cursors to now, once; ends when Loki has acknowledged all of it.
 *
 * @returns the exit code: ok when all is in Loki, or partial when a container could not be read to its end or Loki
 *   does not accept some lines, or loki when Loki took nothing in all its tries or until the time was over, or state when cursors or refused lines could not be written
 * @throws PollardError for what cannot heal, StateLocked when another process holds the state directory and that is
 *   not to be skipped, Interrupted by a signal or MaxDurationPassed before there was anything to report; the caller
 *   prints it
 */
export async function catchUp(
  config: Config,
  command: string,
  flags: CatchUpFlags,
  output: Output,
): Promise<number> {
  return await watchJob(
    { config, command: 'catch-up', clock: systemClock, err: output.err },
    async (job) => await catchUpOnce(config, command, flags, output, job),
  );
}

async function catchUpOnce(
  config: Config,
  command: string,
  flags: CatchUpFlags,
  output: Output,
  job: WatchedJob,
): Promise<number> {
  const clock = systemClock;
  const observe = observeParts(config, clock, standardLogger(config, clock, output.err), silently);
  const stop = stopSignals(observe.logger);
  let waitsForLoki = (): boolean => false;
  const limit = timeLimit('the catch-up', flags.maxDuration, clock, stop.signal, () =>
    waitsForLoki() ? 'loki' : 'partial',
  );
  const progress = catchUpProgress(output.err, clock);
  const begun = clock.monotonic();
  try {
    const summary = await unlessInterrupted('the catch-up', stop.signal, async () => {
      const parts = await createOneShot(config, {
        clock,
        random: Math.random,
        observe,
        command,
        stopPushes: limit.signal,
      });
      waitsForLoki = parts.waitsForLoki;
      try {
        const { engine, fleet, runner } = parts;
        const { concurrency } = config.poll;
        const { update: onProgress } = progress;
        const done = await catchUpAll(
          { engine: engine.engine, fleet, runner, concurrency, clock, onProgress },
          limit.signal,
        );
        // Only tidying up: all is delivered, and the summary must tell it.
        await fleet.forgetOld().catch((error: unknown) => {
          observe.logger.warn('an old cursor could not be removed: it is tried again the next time', {
            error,
          });
        });
        return done;
      } finally {
        progress.end();
        await parts.close();
      }
    });
    job.report(catchUpFigures(summary));
    const seconds = (clock.monotonic() - begun) / 1000;
    const text = flags.json ? jsonSummary(summary, seconds) : textSummary(summary, seconds);
    output.out.write(secretMask(knownSecrets(config))(text));
    return exitCodeOf(summary, limit.passed);
  } catch (error) {
    if (flags.skipIfLocked && error instanceof StateLocked) {
      job.skip();
      return ExitCode.ok;
    }
    throw limit.passed !== undefined && error instanceof PollardError ? limit.passed : error;
  } finally {
    limit.release();
    stop.release();
    observe.limited.flush();
    await observe.logger.close();
  }
}

function exitCodeOf({ failed, rejected }: CatchUpSummary, passed: MaxDurationPassed | undefined): number {
  if (failed.length === 0) return rejected === 0 ? ExitCode.ok : ExitCode.partial;
  if (failed.some(({ code }) => code === 'push_failed')) return ExitCode.loki;
  if (failed.some(({ code }) => STATE_CODES.has(code))) return ExitCode.state;
  return ExitCode[passed?.exit ?? 'partial'];
}

function possibleGapRow({ possibleGaps }: CatchUpSummary): [string, string] {
  return ['possible gaps', String(possibleGaps)];
}

/** What stands in the way of every container is the disk, and not the containers. */
const STATE_CODES: ReadonlySet<string> = new Set(['cursor_write_failed', 'rejected_file_unusable']);

function jsonSummary(summary: CatchUpSummary, seconds: number): string {
  const { duplicatesDropped, possibleGaps, noLog, failed, ...rest } = summary;
  const document = {
    ...rest,
    failed: failed.map(({ hint, setting, ...each }) => ({
      ...each,
      hint: hint ?? null,
      setting: setting ?? null,
    })),
    no_log: noLog,
    possible_gaps: possibleGaps,
    duplicates_dropped: duplicatesDropped,
    seconds: Number(seconds.toFixed(3)),
  };
  return `${JSON.stringify(document)}\n`;
}

function textSummary(summary: CatchUpSummary, seconds: number): string {
  const rows: [string, string][] = [
    ['containers', String(summary.containers)],
    ['lines', String(summary.lines)],
    ['bytes', formatSize(summary.bytes)],
    ['duplicates dropped', String(summary.duplicatesDropped)],
    ['gaps', String(summary.gaps)],
    ...(summary.possibleGaps > 0 ? [possibleGapRow(summary)] : []),
    ['rejected', String(summary.rejected)],
    ['seconds', seconds.toFixed(1)],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(20)}${value}`);
  for (const name of summary.unreadable)
    lines.push(`cannot be read      ${shownText(name)} (its logging driver)`);
  for (const name of summary.noLog)
    lines.push(`not collected       ${shownText(name)} (its driver keeps no logs)`);
  let told: string | undefined;
  for (const failure of summary.failed) {
    lines.push(`failed              ${shownText(failure.container)}: ${printable(failure.reason)}`);
    const next = nextStep({ ...failure, message: failure.reason });
    // The same for all, mostly.
    if (next !== undefined && next !== told) lines.push(`                    -> ${next}`);
    told = next ?? told;
  }
  return `${lines.join('\n')}\n`;
}
