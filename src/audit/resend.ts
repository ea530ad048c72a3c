import type { EntryBatch } from '../loki/batch.js';
import type { PushResult } from '../loki/pusher.js';
import type { RejectedLine } from '../loki/rejected-record.js';
import { streamTarget, type StreamTarget } from '../loki/stream-target.js';
import { readRejectedSummary } from '../loki/rejected-reader.js';
import { readPiece, withoutPiece } from '../model/line-piece.js';
import { inOrder, surveyRejected } from './rejected-slices.js';
import { nanosOf, secondsOf } from '../loki/read/stamp-range.js';

export interface ResendOptions {
  /** The rejected-lines file. It is only read, and so is the older one beside it. */
  readonly path: string;
  /** Put on every line, over a label of this name: so it comes into a stream of its own. */
  readonly label?: { readonly name: string; readonly value: string };
  readonly newBatch: (target: StreamTarget) => EntryBatch;
  /** Resolves when all of a batch is settled: stored, or set aside again. */
  readonly push: (batch: EntryBatch) => Promise<Pick<PushResult, 'accepted' | 'rejected'>>;
  /** Bytes at which a batch is sent. */
  readonly batchBytes: number;
  /** Bytes of lines held at once. */
  readonly memoryBytes: number;
  /** Told after each push. */
  readonly onProgress?: (progress: ResendSummary) => void;
}

export interface ResendSummary {
  /** In the file. */
  readonly lines: number;
  /** Lines of the file that are none of Pollard's, or torn. */
  readonly unreadable: number;
  /** By the kind of their refusal, as the file has it. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Lines of which no copy was kept, by the kind of their refusal: only the summary beside the file counts them. */
  readonly notKept: ReadonlyMap<string, number>;
  accepted: number;
  /** Refused again. */
  refused: number;
}

/**
 * Sends the lines of a rejected-lines file again: one stream a push, each stream's lines from the oldest to the
 * newest, with the labels, metadata and stamps that they had, but for a label that is asked for.
 *
 * @throws PollardError `rejected_file_unusable`, and what a push throws: what was accepted until then stays so, and
 *   is folded by Loki when it is sent again
 */
export async function resend(options: ResendOptions, signal: AbortSignal): Promise<ResendSummary> {
  const { path, memoryBytes } = options;
  const overview = await surveyRejected(path, signal);
  const { lines, unreadable, kinds } = overview;
  const notKept = await countNotKept(path);
  const summary: ResendSummary = { lines, unreadable, kinds, notKept, accepted: 0, refused: 0 };
  for await (const slice of inOrder(path, overview, memoryBytes, signal)) {
    for (const { target, records } of byTarget(slice, options.label)) {
      await sendStream(options, target, records, summary);
    }
  }
  return summary;
}

async function countNotKept(path: string): Promise<Map<string, number>> {
  const { rows, others } = await readRejectedSummary(path);
  const kinds = new Map<string, number>();
  for (const { kind, lines } of rows) kinds.set(kind, (kinds.get(kind) ?? 0) + lines);
  if (others !== undefined) kinds.set('others', others.lines);
  return kinds;
}

async function sendStream(
  options: ResendOptions,
  target: StreamTarget,
  records: readonly RejectedLine[],
  summary: ResendSummary,
): Promise<void> {
  const { newBatch, push, batchBytes, onProgress } = options;
  const send = async (batch: EntryBatch): Promise<void> => {
    if (batch.entries === 0) return;
    const { accepted, rejected } = await push(batch);
    summary.accepted += accepted;
    summary.refused += rejected;
    onProgress?.(summary);
  };
  let batch = newBatch(target);
  for (const { stamp, line, structuredMetadata } of records) {
    const piece = readPiece(structuredMetadata);
    const append = (): boolean => batch.append(secondsOf(stamp), nanosOf(stamp), line, 0, line.length, piece);
    if (!append()) {
      await send(batch);
      batch = newBatch(target);
      if (!append()) throw new RangeError('an empty batch takes any line');
    }
    if (batch.bytes >= batchBytes) {
      await send(batch);
      batch = newBatch(target);
    }
  }
  await send(batch);
}

/** The lines of each stream, in the order they come in. */
function byTarget(
  records: readonly RejectedLine[],
  label: ResendOptions['label'],
): { target: StreamTarget; records: RejectedLine[] }[] {
  const streams = new Map<string, { target: StreamTarget; records: RejectedLine[] }>();
  for (const record of records) {
    const labels = label === undefined ? record.labels : { ...record.labels, [label.name]: label.value };
    const structuredMetadata = withoutPiece(record.structuredMetadata);
    const key = JSON.stringify([
      Object.entries(labels).sort(),
      Object.entries(structuredMetadata).sort(),
      record.tenant,
    ]);
    let stream = streams.get(key);
    if (stream === undefined) {
      const target = streamTarget({
        labels,
        structuredMetadata,
        ...(record.tenant === undefined ? {} : { tenant: record.tenant }),
        containerName: record.container,
      });
      streams.set(key, (stream = { target, records: [] }));
    }
    stream.records.push(record);
  }
  return [...streams.values()];
}
