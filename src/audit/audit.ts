import pLimit from 'p-limit';
import type { Engine } from '../collector/engine.js';
import { Identity } from '../collector/identity.js';
import type { MalformedItem } from '../docker/malformed.js';
import { runTogether } from '../collector/run-together.js';
import type { LokiTransport } from '../loki/transport.js';
import type { Clock, Random } from '../model/clock.js';
import { keepsNoLog, type ContainerSummary, type StreamName } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import { PollardError } from '../model/errors.js';
import type { LabelSet } from '../model/labels.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';
import { auditContainer } from './container-audit.js';
import { EngineLog, type EngineLogContext } from './engine-log.js';
import { FingerprintTable } from './fingerprint-table.js';
import { HeldBytes } from './held-bytes.js';
import { readLokiFacts } from './loki-facts.js';
import { LokiQueries } from '../loki/read/loki-query.js';
import { DEFAULT_MAX_RANGE, LokiReader } from '../loki/read/loki-reader.js';
import { entryCounter } from '../loki/read/entry-count.js';
import type { RepairParts } from './missing-sender.js';
import { RefusedLines } from './refusals.js';
import { addCounts, noCounts, type AuditReport, type ContainerReport } from './report.js';
import type { StampRange } from '../loki/read/stamp-range.js';
import { lastingLabels } from './subject.js';

export interface AuditOptions {
  readonly engine: Pick<Engine, 'list' | 'inspect'>;
  readonly logs: EngineLogContext;
  readonly transport: LokiTransport;
  readonly tenant?: string;
  /** The labels of a container's streams, as the collector makes them. */
  readonly streamLabels: (container: ContainerSummary, stream: StreamName) => LabelSet;
  /** Lines are sent with the container's id as structured metadata (`labels.structured_metadata`). Default: not. */
  readonly idIsSent?: boolean;
  /** How far the collector is with a container, as is durable now; undefined: not known. */
  readonly cursorOf?: (containerId: string) => Cursor | undefined | Promise<Cursor | undefined>;
  /** Which containers to look at; default: all. */
  readonly selects?: (container: ContainerSummary) => boolean;
  /** Entries of the list that could not be understood, for the notes. */
  readonly skipped?: readonly MalformedItem[];
  /** The path of the rejected-lines file. */
  readonly rejectedFile?: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Stamps before it are not looked at. */
  readonly since: Nanoseconds;
  /** Stamps from it on are not looked at; default: now. */
  readonly until?: Nanoseconds;
  readonly settings: AuditSettings;
  /** Set: sends what is missing, and looks whether it is there then. */
  readonly repair?: RepairParts;
  /** Told before and after each container. */
  readonly onProgress?: (progress: AuditProgress) => void;
  /** Called with the report of each container when it is done, before the next one is begun in its place. */
  readonly onContainer?: (report: ContainerReport) => void | Promise<void>;
  /** Also look where the log of each container begins. Default: only where lines are missing. */
  readonly findsBeginnings?: boolean;
  /** Keeps account of the memory that is used. */
  readonly held?: HeldBytes;
}

export interface AuditSettings {
  /** Bytes of fingerprints held at once. */
  readonly memoryBytes: number;
  /** Stretches into which the time is divided; see Survey. Default 4096. */
  readonly buckets?: number;
  /** Lines shown as examples, of each kind and container. */
  readonly samples: number;
  /** Containers looked at at a time. */
  readonly concurrency: number;
  /** ms: of a container without a cursor, lines younger than this may be on their way. */
  readonly settleMs: number;
}

export interface AuditProgress {
  /** Containers looked at so far. */
  readonly done: number;
  readonly total: number;
  /** Lines judged so far, and those of them that are missing. */
  readonly lines: number;
  readonly missing: number;
}

const BUCKETS = 4096;

/** Trouble of one container, and not of the Engine. */
const OWN_TROUBLE: ReadonlySet<string> = new Set(['engine_server_error', 'engine_refused']);

/**
 * Holds the Engine's logs against Loki, line by line: what was delivered, what was not, and why.
 *
 * Neither side is held in memory. Each is read once for sums over stretches of time; only where these differ are
 * lines looked at one by one, as fingerprints, as many at a time as there is room for.
 *
 * @throws PollardError when the Engine cannot be asked for its containers; what goes wrong later is in the report
 * @throws the signal's reason when it aborts
 */
export async function audit(options: AuditOptions, signal: AbortSignal): Promise<AuditReport> {
  const { engine, transport, clock, random, settings, tenant, onProgress } = options;
  const now = clock.now();
  const until = options.until ?? now;
  const range: StampRange = { from: options.since, until };
  const listed = await engine.list(signal);
  const selected = listed.filter(options.selects ?? (() => true));
  const facts = await readLokiFacts(transport, signal);
  const held = options.held ?? new HeldBytes();
  const refused = options.rejectedFile === undefined ? undefined : new RefusedLines(options.rejectedFile);
  const reader = new LokiReader({
    queries: new LokiQueries({ transport, clock, random, ...(tenant === undefined ? {} : { tenant }) }),
    ...(facts.maxQueryLength === undefined ? {} : { maxRange: facts.maxQueryLength }),
    ...(facts.maxEntries === undefined ? {} : { maxLimit: facts.maxEntries }),
    onPage: (bytes) => {
      // The text and what is made of it; gone when the next one comes.
      held.take(bytes * 3);
      held.give(bytes * 3);
    },
  });
  const tools = {
    reader,
    held,
    buckets: settings.buckets ?? BUCKETS,
    samples: settings.samples,
    countEntries: entryCounter({
      transport,
      maxRange: facts.maxQueryLength ?? DEFAULT_MAX_RANGE,
      ...(tenant === undefined ? {} : { tenant }),
    }),
    tableEntries: FingerprintTable.entriesIn(settings.memoryBytes / settings.concurrency),
    rejectedFile: refused,
    shownFrom: facts.shownFor === undefined ? undefined : now - facts.shownFor,
    repair: options.repair,
    findsBeginnings: options.findsBeginnings ?? false,
  };

  const totals = noCounts();
  const containers: ContainerReport[] = [];
  let failure: Error | undefined;
  const tell = (): void =>
    onProgress?.({
      done: containers.length,
      total: selected.length,
      lines: totals.lines,
      missing: totals.missing,
    });
  const lookAt = async (container: ContainerSummary, ending: AbortSignal): Promise<void> => {
    if (failure !== undefined) return;
    const cursor = await options.cursorOf?.(container.id);
    const settled = now - BigInt(settings.settleMs) * NS_PER_MS;
    const own = { from: range.from, until: cursor === undefined && settled < until ? settled : until };
    const report = emptyReport(container, own, cursor !== undefined);
    try {
      const details = await engine.inspect(container.id, ending);
      const identity = Identity.listed(container, 1);
      identity.inspected(details, 2);
      const { summary } = identity;
      if (details.startedAt <= 0n && !details.running) report.status = 'never-started';
      else if (keepsNoLog(details)) report.status = 'no-log';
      else if (own.from < own.until) {
        const subject = {
          log: new EngineLog(options.logs, { ...details, ...summary }, cursor),
          range: own,
          labels: (stream: StreamName) => options.streamLabels(summary, stream),
          shared: isShared(summary, listed, options.streamLabels),
          idIsSent: options.idIsSent ?? false,
        };
        await auditContainer(subject, tools, report, ending);
      }
    } catch (error) {
      ending.throwIfAborted();
      if (!(error instanceof PollardError)) throw error;
      report.status = statusOf(error);
      report.reason = error.message;
      if (report.status === 'failed' && !OWN_TROUBLE.has(error.code)) failure ??= error;
    }
    for (const counts of Object.values(report.streams)) addCounts(totals, counts);
    containers.push(report);
    tell();
    await options.onContainer?.(report);
  };

  tell();
  const limit = pLimit(settings.concurrency);
  await runTogether(signal, (ending) => selected.map((container) => limit(() => lookAt(container, ending))));
  containers.sort((a, b) => (a.container < b.container ? -1 : a.container > b.container ? 1 : 0));
  const withheld = options.repair === undefined ? 0 : totals.relabelled;
  return {
    range,
    containers,
    skipped: options.skipped?.length ?? 0,
    totals,
    withheld,
    failure,
    notes: notesOf(refused, options.skipped ?? []),
  };
}

function emptyReport(container: ContainerSummary, range: StampRange, byCursor: boolean): ContainerReport {
  return {
    container: container.name,
    containerId: container.id,
    status: 'read',
    reason: undefined,
    range,
    byCursor,
    streams: { stdout: noCounts(), stderr: noCounts() },
    refusals: [],
    otherLabels: [],
    logBegins: undefined,
    samples: { missing: [], repaired: [], refused: [], unknown: [], gaps: [] },
  };
}

function statusOf({ code }: PollardError): 'gone' | 'unreadable' | 'failed' {
  if (code === 'engine_not_found') return 'gone';
  return code === 'engine_not_implemented' || code === 'engine_conflict' ? 'unreadable' : 'failed';
}

/** Whether the streams of another container are found by this one's labels, as when `container` is left out. */
function isShared(
  container: ContainerSummary,
  listed: readonly ContainerSummary[],
  streamLabels: AuditOptions['streamLabels'],
): boolean {
  const own = Object.entries(lastingLabels(streamLabels(container, 'stdout'))).filter(
    ([, value]) => value !== '',
  );
  return listed.some((other) => {
    if (other.id === container.id) return false;
    const labels = streamLabels(other, 'stdout');
    return own.every(([name, value]) => labels[name] === value);
  });
}

function notesOf(refused: RefusedLines | undefined, skipped: readonly MalformedItem[]): string[] {
  const notes = skipped.map(
    ({ problem, excerpt }) =>
      `a container in the list of the Engine cannot be understood and is not looked at (${problem}): ${excerpt}`,
  );
  if (refused?.problem === undefined) return notes;
  return [
    ...notes,
    `the rejected-lines file cannot be read, so refused lines count as missing: ${refused.problem}`,
  ];
}
