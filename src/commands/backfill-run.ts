import { DateTime } from 'luxon';
import { backfill, type BackfillReport } from '../backfill/backfill.js';
import type { BackfillDelivery } from '../backfill/backfill-delivery.js';
import { isSameWork, newRun, type RunProgress } from '../backfill/progress.js';
import { newerProgress, type ProgressStore } from '../backfill/progress-store.js';
import { runName, selectionKey } from '../backfill/run-name.js';
import { RunRecord } from '../backfill/run-record.js';
import type { Config } from '../config/schema.js';
import { formatDuration } from '../config/values.js';
import type { StampRange } from '../loki/read/stamp-range.js';
import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';
import { systemClock } from '../model/system-clock.js';
import { readBackfillFlags, type BackfillFlags, type BackfillTexts } from './backfill-flags.js';
import { backfillProgress } from './backfill-progress.js';
import { backfillJson, backfillText } from './backfill-report.js';
import { chosenBySelection } from './chosen-containers.js';
import { backfillFigures } from './job-figures.js';
import type { TextSink } from './print-error.js';
import type { Session } from './session.js';
import { backfillParts, type BackfillParts } from './wiring/backfill-parts.js';
import { watchJob, type WatchedJob } from './wiring/job-watch.js';
import { withParts } from './with-parts.js';

/** `pollard backfill`: see backfill. */
export async function runBackfill(session: Session, config: Config, texts: BackfillTexts): Promise<void> {
  const flags = readBackfillFlags(texts, config, systemClock.now());
  const { err } = session.output;
  const say = (text: string): void => {
    if (!flags.quiet) err.write(`${text}\n`);
  };
  await watchJob({ config, command: 'backfill', clock: systemClock, err }, async (job) => {
    // Lines that a dry run finds missing are no reason for an alert.
    if (flags.dryRun) job.skip();
    await withParts(
      'the backfill',
      undefined,
      config,
      session,
      async (options) => {
        const made = await backfillParts(config, flags.concurrency, options);
        return { parts: { ...made.parts, out: options.out }, close: () => made.close() };
      },
      async (made, signal) =>
        await fill(made, flags, { say, out: made.out, err: flags.quiet ? undefined : err }, job, signal),
    );
    return session.code;
  });
}

interface Printers {
  readonly say: (text: string) => void;
  readonly out: TextSink;
  /** Where the progress is shown; undefined: nowhere. */
  readonly err: Session['output']['err'] | undefined;
}

/** One run, from its lock to its report. @returns the exit code */
async function fill(
  parts: BackfillParts,
  flags: BackfillFlags,
  { say, out, err }: Printers,
  job: WatchedJob,
  signal: AbortSignal,
): Promise<number> {
  const { clock, engine, selects, store, owner, newDelivery } = parts;
  const { range, selection, dryRun, blind } = flags;
  const begun = clock.monotonic();
  const name = flags.name ?? runName(range, selection);
  say(`backfill ${name}: ${rangeText(range)}`);
  const oldest = clock.now() - BigInt(parts.maxAgeMs) * NS_PER_MS;
  if (range.from < oldest) {
    const until = range.until < oldest ? range.until : oldest;
    say(
      `note: Loki refuses lines older than ${formatDuration(parts.maxAgeMs)} by default (loki.limits.max_age): ` +
        `those before ${bothZones(until)} may be refused`,
    );
  }
  let skipped = 0;
  const listed = await engine.list(signal, () => skipped++);
  const chosen = chosenBySelection(listed.filter(selects), listed, selection);
  const lock = dryRun ? undefined : await store.lock(name, owner);
  let delivery: BackfillDelivery | undefined;
  try {
    if (!dryRun) await store.removeOld(clock.now(), owner);
    const fresh = newRun(name, range, selectionKey(selection), clock.now());
    const run = dryRun ? fresh : await runToWorkOn(store, fresh, flags.restart, say);
    const record = new RunRecord(clock, run, dryRun ? undefined : (progress) => store.write(progress));
    await record.begin();
    if (!dryRun) delivery = newDelivery({ name, intoLive: flags.intoLive, rate: flags.rate });
    const progress = err && backfillProgress(err, clock);
    let report: BackfillReport;
    try {
      report = await backfill(
        {
          ...parts,
          listed,
          chosen,
          range,
          delivery,
          blind,
          record,
          patienceMs: flags.patienceMs,
          onWait: ({ reason, delayMs }) =>
            say(`backfill: ${reason}; next try in ${Math.ceil(delayMs / 1000)} s`),
          ...(progress ? { onProgress: progress.update } : {}),
        },
        signal,
      );
    } finally {
      progress?.end();
    }
    job.report(backfillFigures(report));
    if (report.failure === undefined) await record.end();
    const code = exitCodeOf(report, skipped);
    const shown = {
      name,
      range,
      report,
      reasons: reasonsOf(report, delivery),
      dryRun,
      skipped,
      code,
      seconds: (clock.monotonic() - begun) / 1000,
    };
    if (flags.json) out.write(backfillJson(shown));
    else if (!flags.quiet) out.write(backfillText(shown));
    if (report.failure !== undefined) throw withNextStep(report.failure);
    return code;
  } finally {
    await delivery?.close();
    lock?.release();
  }
}

/** An interrupted run of the same work, or a new one. */
async function runToWorkOn(
  store: ProgressStore,
  fresh: RunProgress,
  restart: boolean,
  say: (text: string) => void,
): Promise<RunProgress> {
  if (restart) return fresh;
  const found = await store.read(fresh.name);
  switch (found?.kind) {
    case undefined:
      return fresh;
    case 'newer':
      throw newerProgress(fresh.name, found.version);
    case 'damaged': {
      const aside = await store.setAside(fresh.name);
      say(
        `the progress of this run is damaged (${found.reason}): it is kept as ${aside}, and the run begins again`,
      );
      return fresh;
    }
    case 'run':
      if (!isSameWork(found.run, fresh.range, fresh.selection)) {
        if (found.run.finishedAt === undefined) {
          say(
            `an interrupted run of this name had the range ${rangeText(found.run.range)} or other containers: it is replaced`,
          );
        }
        return fresh;
      }
      say(`going on with an interrupted run: ${found.run.finished.length} containers are finished`);
      return found.run;
  }
}

/** A Loki that may only be written to is no obstacle. */
function withNextStep(failure: Error): Error {
  if (!(failure instanceof PollardError) || failure.code !== 'loki_query_refused') return failure;
  return new PollardError(failure.code, failure.message, {
    hint: 'give Pollard a token that may read, or add --blind: lines are then sent without asking Loki what it has',
    exit: failure.exit,
    cause: failure,
  });
}

/** Loki's own words for each kind of refusal. */
function reasonsOf(
  { containers }: BackfillReport,
  delivery: BackfillDelivery | undefined,
): Readonly<Record<string, string>> {
  const reasons: Record<string, string> = {};
  for (const { id } of containers) Object.assign(reasons, delivery?.sent(id).reasons);
  return reasons;
}

function exitCodeOf({ containers, unfinished, failure }: BackfillReport, skipped: number): number {
  if (failure !== undefined)
    return failure instanceof PollardError ? ExitCode[failure.exit] : ExitCode.failure;
  if (containers.some(({ missing }) => missing > 0)) return ExitCode.mismatch;
  const isPartial = containers.some(
    ({ status, refused, pending, otherLabels, notJudged }) =>
      ['partial', 'unreadable', 'gone', 'failed'].includes(status) ||
      Object.keys(refused).length > 0 ||
      pending + otherLabels + notJudged > 0,
  );
  return isPartial || unfinished.length > 0 || skipped > 0 ? ExitCode.partial : ExitCode.ok;
}

/** `2026-11-27T00:00:00+01:00 (2026-11-26T23:00:00Z) to ...`: in the machine's zone and in UTC. */
function rangeText({ from, until }: StampRange): string {
  return `${bothZones(from)} to ${bothZones(until)}`;
}

function bothZones(stamp: Nanoseconds): string {
  const time = DateTime.fromMillis(Number(stamp / NS_PER_MS));
  const format = (at: DateTime): string => at.toISO({ suppressMilliseconds: true }) ?? '';
  const [local, utc] = [format(time), format(time.toUTC())];
  return local === utc ? utc : `${local} (${utc})`;
}
