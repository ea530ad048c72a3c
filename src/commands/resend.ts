import { RejectedAgain } from '../audit/rejected-again.js';
import { resend as resendFile, type ResendSummary } from '../audit/resend.js';
import type { EntryBatch } from '../loki/batch.js';
import { labelProblems } from '../loki/labels.js';
import type { Pusher } from '../loki/pusher.js';
import type { RejectedSink } from '../loki/rejected.js';
import type { StreamTarget } from '../loki/stream-target.js';
import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import type { TextSink } from './print-error.js';
import { shownText } from './shown-text.js';

export interface ResendParts {
  readonly clock: Clock;
  readonly newBatch: (target: StreamTarget) => EntryBatch;
  /** Makes the way to Loki, with where lines go that are refused again. */
  readonly newPusher: (rejected: RejectedSink) => Pusher;
  /** Bytes at which a batch is sent. */
  readonly batchBytes: number;
  /** Bytes of lines held at once. */
  readonly memoryBytes: number;
  readonly out: TextSink;
  readonly onProgress?: (progress: ResendSummary) => void;
}

export interface ResendFlags {
  /** The rejected-lines file. */
  readonly file: string;
  /** `name=value`: put on every line. */
  readonly label?: string;
  /** The summary as one JSON object. */
  readonly json: boolean;
}

/**
 * `pollard resend`: sends the lines of a rejected-lines file again. The file stays as it is; what is refused again
 * goes into a new one beside it.
 *
 * @returns the exit code: ok if Loki took all of them; partial if not, or if a part of the file could not be read
 * @throws PollardError for a label that cannot be, a file that cannot be read, a Loki that takes nothing in all its
 *   tries; the summary of what was sent until then is printed
 */
export async function resend(parts: ResendParts, flags: ResendFlags, signal: AbortSignal): Promise<number> {
  const { clock, newBatch, newPusher, batchBytes, memoryBytes, out, onProgress } = parts;
  const label = flags.label === undefined ? undefined : readLabel(flags.label);
  const again = new RejectedAgain(flags.file, clock);
  const pusher = newPusher(again);
  let summary: ResendSummary | undefined;
  const begun = clock.monotonic();
  try {
    summary = await resendFile(
      {
        path: flags.file,
        ...(label === undefined ? {} : { label }),
        newBatch,
        push: async (batch) => await pusher.push(batch, signal),
        batchBytes,
        memoryBytes,
        onProgress: (progress) => {
          summary = progress;
          onProgress?.(progress);
        },
      },
      signal,
    );
  } finally {
    await again.close();
    if (summary !== undefined) {
      const seconds = (clock.monotonic() - begun) / 1000;
      out.write((flags.json ? summaryJson : summaryText)(summary, again.path, seconds));
    }
  }
  return summary.refused > 0 || summary.unreadable > 0 ? ExitCode.partial : ExitCode.ok;
}

/** @throws PollardError `label_invalid` */
function readLabel(text: string): { name: string; value: string } {
  const equals = text.indexOf('=');
  const [name, value] = [text.slice(0, Math.max(equals, 0)).trim(), text.slice(equals + 1)];
  if (equals < 0 || value === '') {
    throw labelInvalid(text, 'is not a name and a value', 'write it as resent=2026-01-31');
  }
  if (name === 'stream') {
    throw labelInvalid(text, 'takes the label by which stdout and stderr are told apart', 'use another name');
  }
  const problem = labelProblems({ [name]: value })[0];
  if (problem !== undefined)
    throw labelInvalid(text, `cannot be: ${problem}`, 'write it as resent=2026-01-31');
  return { name, value };
}

function labelInvalid(text: string, problem: string, hint: string): PollardError {
  return new PollardError('label_invalid', `--label: ${JSON.stringify(text)} ${problem}`, {
    hint,
    setting: '--label',
    exit: 'usage',
  });
}

function notSent({ lines, accepted, refused }: ResendSummary): number {
  return lines - accepted - refused;
}

function summaryJson(summary: ResendSummary, again: string | undefined, seconds: number): string {
  const { lines, unreadable, kinds, notKept, accepted, refused } = summary;
  const document = {
    lines,
    accepted,
    refused,
    not_sent: notSent(summary),
    unreadable,
    kinds: countsJson(kinds),
    not_kept: countsJson(notKept),
    refused_file: again ?? null,
    seconds: Number(seconds.toFixed(3)),
  };
  return `${JSON.stringify(document)}\n`;
}

/** Lines by the kind of their refusal. */
function countsJson(counts: ReadonlyMap<string, number>) {
  return [...counts].map(([kind, lines]) => ({ kind, lines }));
}

function summaryText(summary: ResendSummary, again: string | undefined, seconds: number): string {
  const { lines, unreadable, kinds, notKept, accepted, refused } = summary;
  const rows: [string, string][] = [
    ['lines', String(lines)],
    ...[...kinds].map(([kind, count]): [string, string] => [`  ${shownText(kind, 15)}`, String(count)]),
    ['accepted', String(accepted)],
    ['refused again', String(refused)],
    ['seconds', seconds.toFixed(1)],
  ];
  if (notSent(summary) > 0) rows.push(['not sent', String(notSent(summary))]);
  if (unreadable > 0)
    rows.push(['not understood', `${unreadable} lines of the file, which Pollard did not write`]);
  for (const [kind, count] of notKept) {
    rows.push(['not kept', `${count} lines (${shownText(kind, 15)}), which only the summary counts`]);
  }
  if (again !== undefined) rows.push(['refused lines', again]);
  return rows.map(([name, value]) => `${name.padEnd(20)}${value}\n`).join('');
}
