import { audit, type AuditOptions } from '../audit/audit.js';
import type { ContainerReport } from '../audit/report.js';
import type { LineBatch } from '../collector/line-batch.js';
import { entryBatch, type EntryBatch } from '../loki/batch.js';
import type { StampRange } from '../loki/read/stamp-range.js';
import type { ContainerRef, ContainerSummary, StreamName } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import { PollardError } from '../model/errors.js';
import type { BackfillDelivery } from './backfill-delivery.js';
import { sendBlindly } from './blind.js';
import { blindResult, resultOf } from './container-result.js';
import type { ContainerResult } from './progress.js';
import type { RunRecord } from './run-record.js';

/** What a backfill and an audit have in common. */
type AuditParts = Pick<
  AuditOptions,
  | 'engine'
  | 'logs'
  | 'transport'
  | 'tenant'
  | 'streamLabels'
  | 'idIsSent'
  | 'cursorOf'
  | 'clock'
  | 'random'
  | 'settings'
>;

export interface BackfillOptions extends AuditParts {
  /** All containers that the Engine lists. */
  readonly listed: readonly ContainerSummary[];
  /** Those of them that are filled. */
  readonly chosen: readonly ContainerSummary[];
  readonly range: StampRange;
  /** What sends; undefined: a dry run. */
  readonly delivery: BackfillDelivery | undefined;
  /** A fresh batch for a container's live stream, as the service makes it. */
  readonly newBatch: (container: ContainerRef, stream: StreamName) => EntryBatch;
  /** Bytes at which a batch is sent. */
  readonly batchBytes: number;
  /** Sends without asking Loki what it has. */
  readonly blind: boolean;
  /** The progress of the run. */
  readonly record: RunRecord;
  /** ms to wait for an Engine or a Loki that is away, counted from its last answer. */
  readonly patienceMs: number;
  readonly onWait?: (wait: Wait) => void;
  readonly onProgress?: (progress: BackfillProgress) => void;
}

/** The Engine or Loki is away, and is tried again after a while. */
export interface Wait {
  readonly reason: string;
  readonly delayMs: number;
}

export interface BackfillProgress {
  readonly done: number;
  readonly total: number;
  /** Containers that are worked on. */
  readonly current: readonly string[];
  /** Entries and bytes sent by this process. */
  readonly entries: number;
  readonly bytes: number;
}

export interface BackfillReport {
  readonly containers: readonly ContainerResult[];
  /** Containers that were not finished. */
  readonly unfinished: readonly ContainerSummary[];
  /** Why the run ended early; undefined: it did not. */
  readonly failure: Error | undefined;
}

/** ms before the first new try when the Engine or Loki is away; doubled up to the longest. */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 60_000;
/** What does not heal by waiting: Loki may not be read, or cannot be spoken with. */
const LASTS: ReadonlySet<string> = new Set(['loki_query_refused', 'loki_tls', 'loki_proxy', 'push_aborted']);

/**
 * Fills a range of time: sends what the Engine has of it and Loki has not. What is done is kept in the record, so that
 * an interrupted run goes on. The cursors of the service are read, and never written.
 *
 * Lines after a container's cursor are left to the service, which delivers them.
 *
 * @throws PollardError `backfill_progress_unwritable`; the signal's reason when it aborts
 */
export async function backfill(options: BackfillOptions, signal: AbortSignal): Promise<BackfillReport> {
  const { clock, chosen, record, patienceMs, onWait } = options;
  const run = new Backfill(options);
  let delay = FIRST_DELAY;
  let answered = clock.monotonic();
  for (;;) {
    const before = run.signsOfLife;
    const failure = await run.pass(signal);
    signal.throwIfAborted();
    const left = chosen.filter(({ id }) => !record.isFinished(id));
    if (failure === undefined || left.length === 0) {
      return { containers: record.results(), unfinished: left, failure };
    }
    const now = clock.monotonic();
    if (run.signsOfLife > before) {
      answered = now;
      delay = FIRST_DELAY;
    }
    if (!heals(failure) || now - answered + delay > patienceMs) {
      return { containers: record.results(), unfinished: left, failure };
    }
    onWait?.({ reason: failure.message, delayMs: delay });
    await clock.sleep(delay, signal);
    delay = Math.min(2 * delay, LONGEST_DELAY);
  }
}

function heals(failure: Error): boolean {
  if (!(failure instanceof PollardError) || LASTS.has(failure.code)) return false;
  return failure.exit === 'engine' || failure.exit === 'loki' || failure.code === 'backfill_overtaken';
}

class Backfill {
  readonly #options: BackfillOptions;
  readonly #current = new Map<string, string>();
  /** Containers without a cursor when their work began. */
  readonly #uncollected = new Set<string>();
  /** Counts finished containers and settled batches: while it grows, the Engine and Loki answer. */
  signsOfLife = 0;

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  /** Works on all containers that are not finished. @returns why it ended early */
  async pass(signal: AbortSignal): Promise<Error | undefined> {
    const { record, chosen, blind, delivery } = this.#options;
    const open = chosen.filter(({ id }) => !record.isFinished(id));
    this.#current.clear();
    this.#report();
    if (open.length === 0) return undefined;
    record.beginPass();
    for (const { id } of open) delivery?.forget(id);
    if (blind && delivery !== undefined) {
      return await sendBlindly(
        {
          ...this.#options,
          containers: open,
          push: (batch, ending) => this.#push(batch, ending),
          cursorOf: (id) => this.#cursorOf(id),
          onBegin: (container) => this.#begin(container),
          onDone: async (container, outcome) => {
            await this.#finish(
              blindResult(container, outcome, this.#options.range, delivery.sent(container.id)),
            );
          },
        },
        signal,
      );
    }
    return await this.#audit(new Set(open.map(({ id }) => id)), signal);
  }

  async #audit(open: ReadonlySet<string>, signal: AbortSignal): Promise<Error | undefined> {
    const { engine, listed, range, delivery, newBatch, batchBytes } = this.#options;
    const report = await audit(
      {
        ...this.#options,
        engine: {
          list: async () => await Promise.resolve([...listed]),
          inspect: async (id, ending) => {
            this.#beginById(id);
            return await engine.inspect(id, ending);
          },
        },
        selects: ({ id }) => open.has(id),
        since: range.from,
        until: range.until,
        cursorOf: (id) => this.#cursorOf(id),
        findsBeginnings: true,
        onProgress: () => this.#report(),
        onContainer: (container) => this.#judged(container),
        ...(delivery === undefined
          ? {}
          : { repair: { newBatch, batchBytes, push: (batch: LineBatch) => this.#push(batch, signal) } }),
      },
      signal,
    );
    return report.failure;
  }

  async #judged(report: ContainerReport): Promise<void> {
    const { range, record, chosen, delivery } = this.#options;
    const container = chosen.find(({ id }) => id === report.containerId);
    if (container === undefined) return;
    if (report.status === 'failed') {
      this.#current.delete(container.id);
      return;
    }
    const earlier = record.sentBefore(container.id);
    await this.#finish(resultOf(container, report, range, delivery?.sent(container.id), earlier));
  }

  async #finish(result: ContainerResult): Promise<void> {
    this.signsOfLife++;
    this.#current.delete(result.id);
    await this.#options.record.finish(result);
    this.#report();
  }

  async #push(batch: LineBatch, signal: AbortSignal): Promise<{ accepted: number; rejected: number }> {
    const { delivery, record } = this.#options;
    if (delivery === undefined) throw new TypeError('a dry run sends nothing');
    const entries = entryBatch(batch);
    const { containerId = '' } = entries.target;
    try {
      await this.#checkNotOvertaken(containerId, entries.target.containerName);
    } catch (error) {
      entries.release();
      throw error;
    }
    const result = await delivery.push(entries, signal);
    this.signsOfLife++;
    const { entries: sent, underLabel } = delivery.sent(containerId);
    await record.sent(containerId, { sent, sentUnderLabel: underLabel });
    this.#report();
    return result;
  }

  async #cursorOf(id: string): Promise<Cursor | undefined> {
    const cursor = await this.#options.cursorOf?.(id);
    if (cursor === undefined) this.#uncollected.add(id);
    else this.#uncollected.delete(id);
    return cursor;
  }

  /** Where a service has begun to collect a container meanwhile, its cursor decides what is left to it. */
  async #checkNotOvertaken(id: string, name: string): Promise<void> {
    if (!this.#uncollected.has(id) || (await this.#options.cursorOf?.(id)) === undefined) return;
    throw new PollardError('backfill_overtaken', `${name}: a service has begun to collect the container`, {
      container: name,
      hint: 'it is looked at again, with the cursor of the service',
      exit: 'partial',
    });
  }

  #begin({ id, name }: ContainerSummary): void {
    this.#current.set(id, name);
    this.#report();
  }

  #beginById(id: string): void {
    const container = this.#options.chosen.find((each) => each.id === id);
    if (container !== undefined) this.#begin(container);
  }

  #report(): void {
    const { record, chosen, delivery, onProgress } = this.#options;
    if (onProgress === undefined) return;
    const { entries, bytes } = delivery?.total() ?? { entries: 0, bytes: 0 };
    onProgress({
      done: chosen.filter(({ id }) => record.isFinished(id)).length,
      total: chosen.length,
      current: [...this.#current.values()],
      entries,
      bytes,
    });
  }
}
