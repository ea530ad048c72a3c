import type { Config } from '../../config/schema.js';
import type { Clock } from '../../model/clock.js';
import { PollardError } from '../../model/errors.js';
import { ExitCode } from '../../model/exit-codes.js';
import type { JobFigures } from '../../observe/job-metrics.js';
import { JobTextfile } from '../../observe/job-textfile.js';
import { exitCodeOfError, printError, type TextSink } from '../print-error.js';

/** By which a command reports on its run. */
export interface WatchedJob {
  /** The figures of the run, as far as it got. */
  report(figures: JobFigures): void;
  /** This run does not count, such as a dry run: the file keeps the result of the previous run. */
  skip(): void;
}

export interface JobWatchOptions {
  readonly config: Pick<Config, 'metrics'>;
  /** `catch-up`, `backfill` or `verify`: it names the file. */
  readonly command: string;
  readonly clock: Clock;
  /** Gets a warning if the file cannot be written. */
  readonly err: TextSink;
}

/**
 * Runs a one-shot command and writes the result of the run to the directory `metrics.textfile`, if that is set, whether
 * the command succeeds, fails or is interrupted. Usage errors (exit code 2) leave the file unchanged, since such a run did
 * not start. If the file cannot be written, a warning is printed; the outcome of the command does not change.
 *
 * @returns the exit code of `work`
 * @throws what `work` throws
 */
export async function watchJob(
  { config, command, clock, err }: JobWatchOptions,
  work: (job: WatchedJob) => Promise<number>,
): Promise<number> {
  const directory = config.metrics.textfile;
  let figures: JobFigures | undefined;
  let isSkipped = false;
  const begun = clock.monotonic();
  const job: WatchedJob = {
    report: (result) => (figures = result),
    skip: () => (isSkipped = true),
  };
  const ended = async (exitCode: number): Promise<void> => {
    if (directory === undefined || isSkipped || exitCode === ExitCode.usage) return;
    const seconds = (clock.monotonic() - begun) / 1000;
    try {
      await new JobTextfile(directory, command).write({
        command,
        exitCode,
        endedAt: clock.now(),
        seconds,
        figures,
      });
    } catch (error) {
      if (!(error instanceof PollardError)) throw error;
      printError(error, err);
    }
  };

  let code: number;
  try {
    code = await work(job);
  } catch (error) {
    await ended(exitCodeOfError(error));
    throw error;
  }
  await ended(code);
  return code;
}
