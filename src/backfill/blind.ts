import pLimit from 'p-limit';
import type { AuditOptions } from '../audit/audit.js';
import { EngineLog } from '../audit/engine-log.js';
import { MissingSender } from '../audit/missing-sender.js';
import { Identity } from '../collector/identity.js';
import type { LineBatch } from '../collector/line-batch.js';
import { runTogether } from '../collector/run-together.js';
import { lineStamp, RangeBounds, stampOf, type StampRange } from '../loki/read/stamp-range.js';
import { keepsNoLog, type ContainerRef, type ContainerSummary, type StreamName } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import { PollardError } from '../model/errors.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';

/** What was read of a container. */
export interface BlindOutcome {
  readonly status: 'read' | 'partial' | 'unreadable' | 'gone' | 'never-started' | 'no-log';
  readonly reason?: string;
  /** Lines of the range that were sent; each piece of a long one counts. */
  readonly lines: number;
  /** Those left to the service. */
  readonly pending: number;
  readonly logBegins?: Nanoseconds;
}

export interface BlindOptions {
  readonly engine: Pick<AuditOptions['engine'], 'inspect'>;
  readonly logs: AuditOptions['logs'];
  readonly clock: AuditOptions['clock'];
  readonly settings: Pick<AuditOptions['settings'], 'concurrency' | 'settleMs'>;
  readonly containers: readonly ContainerSummary[];
  readonly range: StampRange;
  readonly newBatch: (container: ContainerRef, stream: StreamName) => LineBatch;
  readonly batchBytes: number;
  readonly push: (batch: LineBatch, signal: AbortSignal) => Promise<{ accepted: number; rejected: number }>;
  readonly cursorOf: (containerId: string) => Promise<Cursor | undefined>;
  readonly onBegin: (container: ContainerSummary) => void;
  readonly onDone: (container: ContainerSummary, outcome: BlindOutcome) => Promise<void>;
}

/**
 * Sends all lines of the range that the service has delivered, or passed over, without asking Loki what it has: for a
 * token that may only write. The lines are sent exactly as the service sends them, so that Loki folds those that it
 * has.
 *
 * @returns why it ended early: the Engine or Loki is away
 */
export async function sendBlindly(options: BlindOptions, signal: AbortSignal): Promise<Error | undefined> {
  let failure: Error | undefined;
  const limit = pLimit(options.settings.concurrency);
  const one = async (container: ContainerSummary, ending: AbortSignal): Promise<void> => {
    if (failure !== undefined) return;
    options.onBegin(container);
    try {
      await options.onDone(container, await sendOne(container, options, ending));
    } catch (error) {
      ending.throwIfAborted();
      if (!(error instanceof PollardError)) throw error;
      const outcome = outcomeOf(error);
      if (outcome === undefined) failure ??= error;
      else await options.onDone(container, outcome);
    }
  };
  await runTogether(signal, (ending) => options.containers.map((each) => limit(() => one(each, ending))));
  return failure;
}

async function sendOne(
  container: ContainerSummary,
  options: BlindOptions,
  signal: AbortSignal,
): Promise<BlindOutcome> {
  const { engine, logs, clock, settings, range, newBatch, batchBytes, push } = options;
  const cursor = await options.cursorOf(container.id);
  const details = await engine.inspect(container.id, signal);
  if (details.startedAt <= 0n && !details.running) return { status: 'never-started', lines: 0, pending: 0 };
  if (keepsNoLog(details)) return { status: 'no-log', lines: 0, pending: 0 };
  const identity = Identity.listed(container, 1);
  identity.inspected(details, 2);
  const ref: ContainerRef = { ...details, ...identity.summary };
  const log = new EngineLog(logs, ref, cursor);
  const sender = new MissingSender({ newBatch, batchBytes, push: (batch) => push(batch, signal) }, ref);
  const bounds = new RangeBounds(range);
  // Without a cursor, as in an audit: younger lines may be on their way.
  const settledUntil = clock.now() - BigInt(settings.settleMs) * NS_PER_MS;
  let [lines, pending] = [0, 0];
  await log.lookAtEnd(signal);
  const logBegins = await log.oldest(signal);
  // Else whether the cursor's place is in the log at all is known only after a reading.
  if (!(await log.showsPlace(range.from, signal)))
    await log.read(range.from, { line: () => undefined }, signal);
  const leavesAll = log.behindCursor;
  let reading;
  try {
    reading = await log.read(
      range.from,
      {
        line: (stream, seconds, nanos, source, start, end, settled, piece) => {
          const at = lineStamp(seconds, nanos, piece);
          if (!bounds.contains(at.seconds, at.nanos)) return;
          const isLeft =
            leavesAll || !settled || (cursor === undefined && stampOf(at.seconds, at.nanos) >= settledUntil);
          if (isLeft) {
            pending++;
            return;
          }
          lines++;
          sender.line(stream, seconds, nanos, source, start, end, piece);
        },
      },
      signal,
      sender,
    );
  } catch (error) {
    // A push that failed ends the reading as well, and is the reason.
    throw (await sender.finish()) ?? error;
  }
  const failure = await sender.finish();
  if (failure !== undefined) throw failure;
  const { fault, complete } = reading;
  return {
    status: fault === undefined && complete ? 'read' : 'partial',
    ...(fault === undefined ? {} : { reason: fault.message }),
    lines,
    pending,
    ...(logBegins === undefined ? {} : { logBegins }),
  };
}

/** What an error says of this container alone; undefined: the Engine or Loki is away. */
function outcomeOf({ code, message }: PollardError): BlindOutcome | undefined {
  const none = { reason: message, lines: 0, pending: 0 };
  switch (code) {
    case 'engine_not_found':
      return { ...none, status: 'gone' };
    case 'engine_not_implemented':
    case 'engine_conflict':
      return { ...none, status: 'unreadable' };
    case 'engine_server_error':
    case 'engine_refused':
      return { ...none, status: 'partial' };
    default:
      return undefined;
  }
}
