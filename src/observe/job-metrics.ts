import { Gauge, Registry } from 'prom-client';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';

/** The figures of one run. */
export interface JobFigures {
  /** Lines by outcome; each line counts once. */
  readonly lines: Readonly<Record<string, number>>;
  /** Lines that Docker has and Loki does not have at the end of the run; undefined: unknown. */
  readonly missing?: number;
  /** Places where lines were lost before they could be read. */
  readonly gaps: number;
}

/** One run of a one-shot command. */
export interface JobRun {
  /** `catch-up`, `backfill` or `verify`. */
  readonly command: string;
  /** Its exit code. */
  readonly exitCode: number;
  /** Wall clock, ns. */
  readonly endedAt: Nanoseconds;
  readonly seconds: number;
  /** Undefined: the run ended before it had any. */
  readonly figures: JobFigures | undefined;
}

const LAST_SUCCESS = 'pollard_job_last_success_timestamp_seconds';

/**
 * Renders a run in Prometheus' text format, without timestamps, which the textfile collector refuses. Unknown figures are
 * left out: a 0 would say that nothing is missing. The help texts are the same for all commands, since node_exporter
 * merges metrics of the same name from all files and wants one help text for each.
 *
 * @param lastSuccess when an earlier run last ended with exit code 0, seconds since 1970; 0: never
 */
export async function jobMetrics(run: JobRun, lastSuccess: number): Promise<string> {
  const registry = new Registry();
  const { command, exitCode, figures } = run;
  const endedAt = secondsOf(run.endedAt);
  const gauge = (name: string, help: string, value: number): void => {
    new Gauge({ name, help, labelNames: ['command'], registers: [registry] }).set({ command }, value);
  };

  gauge('pollard_job_last_run_timestamp_seconds', 'When the last run ended, seconds since 1970.', endedAt);
  gauge(
    LAST_SUCCESS,
    'When a run last ended with exit code 0, seconds since 1970; 0: never.',
    exitCode === 0 ? endedAt : lastSuccess,
  );
  gauge('pollard_job_duration_seconds', 'How long the last run took.', Number(run.seconds.toFixed(3)));
  gauge('pollard_job_exit_code', 'The exit code of the last run.', exitCode);
  if (figures !== undefined) {
    const lines = new Gauge({
      name: 'pollard_job_lines',
      help: 'Lines of the last run by outcome.',
      labelNames: ['command', 'outcome'],
      registers: [registry],
    });
    for (const [outcome, count] of Object.entries(figures.lines)) lines.set({ command, outcome }, count);
    if (figures.missing !== undefined) {
      const help = 'Lines that Docker had and Loki did not have at the end of the last run.';
      gauge('pollard_job_missing_lines', help, figures.missing);
    }
    const help = 'Gaps that the last run found: places where lines were lost before they could be read.';
    gauge('pollard_job_gaps', help, figures.gaps);
  }
  return await registry.metrics();
}

/**
 * Reads the time of the last success from what jobMetrics rendered.
 *
 * @param text any text: the file may be damaged
 * @param now wall clock, ns; a later time counts as damage, since it would suppress the alert
 * @returns seconds since 1970; 0: none, or unknown
 */
export function lastSuccessIn(text: string, command: string, now: Nanoseconds): number {
  const sample = new RegExp(`^${LAST_SUCCESS}\\{command="${command}"\\} ([0-9.]{1,20})$`, 'm').exec(text);
  const seconds = Number(sample?.[1]);
  return seconds > 0 && seconds <= secondsOf(now) ? seconds : 0;
}

function secondsOf(time: Nanoseconds): number {
  return Number(time / NS_PER_MS) / 1000;
}
