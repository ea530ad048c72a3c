import { catchUp as catchUpAll, type CatchUpSummary } from '../collector/catch-up.js';
import type { Config } from '../config/schema.js';
import { ExitCode } from '../model/exit-codes.js';
import { systemClock } from '../model/system-clock.js';
import { catchUpProgress } from './catch-up-progress.js';
import { formatSize, type Output } from './output.js';
import { stopSignals } from './stop-signals.js';
import { observeParts, standardLogger } from './wiring/observe-parts.js';
import { createOneShot } from './wiring/one-shot.js';

export interface CatchUpFlags {
  /** The summary as one JSON object. */
  readonly json: boolean;
}

/**
 * `pollard catch-up`: from the cursors to now, once; ends when Loki has acknowledged all of it.
 *
 * @returns the exit code: ok, or partial when a container could not be read to its end, or loki when Loki took
 *   nothing in all its tries
 * @throws PollardError for what cannot heal, StateLocked when a service runs; the caller prints it
 */
export async function catchUp(
  config: Config,
  command: string,
  flags: CatchUpFlags,
  output: Output,
): Promise<number> {
  const clock = systemClock;
  const observe = observeParts(config, clock, standardLogger(config, clock, output.err));
  const stop = stopSignals(observe.logger);
  const progress = catchUpProgress(output.err, clock);
  const begun = clock.monotonic();
  try {
    const parts = await createOneShot(config, {
      clock,
      random: Math.random,
      observe,
      command,
      stopPushes: stop.signal,
    });
    let summary: CatchUpSummary;
    try {
      summary = await catchUpAll(
        {
          engine: parts.engine.engine,
          fleet: parts.fleet,
          runner: parts.runner,
          concurrency: config.poll.concurrency,
          onProgress: progress.update,
        },
        stop.signal,
      );
      await parts.fleet.forgetOld();
    } finally {
      progress.end();
      await parts.close();
    }
    const seconds = (clock.monotonic() - begun) / 1000;
    output.out.write(flags.json ? jsonSummary(summary, seconds) : textSummary(summary, seconds));
    return exitCodeOf(summary);
  } finally {
    stop.release();
    observe.limited.flush();
    await observe.logger.close();
  }
}

function exitCodeOf({ failed }: CatchUpSummary): number {
  if (failed.length === 0) return ExitCode.ok;
  return failed.some(({ code }) => code === 'push_failed') ? ExitCode.loki : ExitCode.partial;
}

function jsonSummary(summary: CatchUpSummary, seconds: number): string {
  const { duplicatesDropped, ...rest } = summary;
  return `${JSON.stringify({ ...rest, duplicates_dropped: duplicatesDropped, seconds: Number(seconds.toFixed(3)) })}\n`;
}

function textSummary(summary: CatchUpSummary, seconds: number): string {
  const rows: [string, string][] = [
    ['containers', String(summary.containers)],
    ['lines', String(summary.lines)],
    ['bytes', formatSize(summary.bytes)],
    ['duplicates dropped', String(summary.duplicatesDropped)],
    ['gaps', String(summary.gaps)],
    ['rejected', String(summary.rejected)],
    ['seconds', seconds.toFixed(1)],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(20)}${value}`);
  for (const name of summary.unreadable) lines.push(`cannot be read      ${name} (its logging driver)`);
  for (const { container, reason } of summary.failed)
    lines.push(`failed              ${container}: ${reason}`);
  return `${lines.join('\n')}\n`;
}
