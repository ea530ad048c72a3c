import * as z from 'zod';
import { formatStamp, parseStamp } from '../model/nanoseconds.js';
import type { ContainerResult, RunProgress } from './progress.js';

/** The format of a progress file that this Pollard writes. */
export const PROGRESS_VERSION = 1;
/** A larger file is no progress file. */
export const MAX_PROGRESS_BYTES = 64 * 1024 * 1024;

/** What a file in the directory of progress files turned out to be. */
export type ReadProgress =
  | { readonly kind: 'run'; readonly run: RunProgress }
  /** Written by a later Pollard. */
  | { readonly kind: 'newer'; readonly version: number }
  /** Nothing that Pollard wrote, or damaged. */
  | { readonly kind: 'damaged'; readonly reason: string };

const time = z.string().transform((text, context) => {
  const stamp = parseStamp(text);
  if (stamp !== undefined) return stamp;
  context.addIssue({ code: 'custom', message: 'not an RFC 3339 time' });
  return z.NEVER;
});
const count = z.number().int().nonnegative();

const resultShape = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  log_begins: time.optional(),
  gap: z.boolean(),
  lines: count,
  already_there: count,
  sent: count,
  sent_under_label: count,
  refused: z.record(z.string(), count),
  missing: count,
  pending: count,
  other_labels: count,
  not_judged: count,
});

const runShape = z.object({
  version: z.literal(PROGRESS_VERSION),
  name: z.string(),
  since: time,
  until: time,
  selection: z.string(),
  started_at: time,
  updated_at: time,
  finished_at: time.optional(),
  finished: z.array(resultShape),
  open: z.record(z.string(), z.object({ sent: count, sent_under_label: count })),
});

/** A run as the text of its progress file: one JSON document. */
export function encodeProgress(run: RunProgress): string {
  const { range, finishedAt, open } = run;
  const document = {
    version: PROGRESS_VERSION,
    name: run.name,
    since: formatStamp(range.from),
    until: formatStamp(range.until),
    selection: run.selection,
    started_at: formatStamp(run.startedAt),
    updated_at: formatStamp(run.updatedAt),
    ...(finishedAt === undefined ? {} : { finished_at: formatStamp(finishedAt) }),
    finished: run.finished.map(resultDocument),
    open: Object.fromEntries(
      Object.entries(open).map(([id, { sent, sentUnderLabel }]) => [
        id,
        { sent, sent_under_label: sentUnderLabel },
      ]),
    ),
  };
  return `${JSON.stringify(document)}\n`;
}

function resultDocument(result: ContainerResult): Record<string, unknown> {
  const { id, name, status, reason, logBegins, gap, lines, alreadyThere, sent, sentUnderLabel } = result;
  return {
    id,
    name,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(logBegins === undefined ? {} : { log_begins: formatStamp(logBegins) }),
    gap,
    lines,
    already_there: alreadyThere,
    sent,
    sent_under_label: sentUnderLabel,
    refused: result.refused,
    missing: result.missing,
    pending: result.pending,
    other_labels: result.otherLabels,
    not_judged: result.notJudged,
  };
}

/** Reads the bytes of a progress file. */
export function decodeProgress(bytes: Uint8Array): ReadProgress {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { kind: 'damaged', reason: 'it is not a JSON document' };
  }
  const version = z.object({ version: z.number() }).safeParse(document);
  if (version.success && version.data.version > PROGRESS_VERSION) {
    return { kind: 'newer', version: version.data.version };
  }
  const read = runShape.safeParse(document);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { kind: 'damaged', reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
  }
  const { since, until, started_at, updated_at, finished_at, finished, open, name, selection } = read.data;
  return {
    kind: 'run',
    run: {
      name,
      range: { from: since, until },
      selection,
      startedAt: started_at,
      updatedAt: updated_at,
      ...(finished_at === undefined ? {} : { finishedAt: finished_at }),
      finished: finished.map(resultOf),
      open: Object.fromEntries(
        Object.entries(open).map(([id, { sent, sent_under_label }]) => [
          id,
          { sent, sentUnderLabel: sent_under_label },
        ]),
      ),
    },
  };
}

function resultOf(read: z.infer<typeof resultShape>): ContainerResult {
  const { reason, log_begins, already_there, sent_under_label, other_labels, not_judged, ...same } = read;
  return {
    ...same,
    ...(reason === undefined ? {} : { reason }),
    ...(log_begins === undefined ? {} : { logBegins: log_begins }),
    alreadyThere: already_there,
    sentUnderLabel: sent_under_label,
    otherLabels: other_labels,
    notJudged: not_judged,
  };
}
