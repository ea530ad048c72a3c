import type { PushState } from './push-state.js';
import type { StreamTarget } from './stream-target.js';
import type { UnstoredLines } from './unstored-lines.js';
import type { RefusalKind } from './verdict.js';

/** Told what happens on the way to Loki, for metrics, logs and the gate of the collector. */
export interface PushObserver {
  /** A request ended: with a status, or without an answer. */
  onAttempt(attempt: PushAttempt): void;
  /** A request failed and is sent again after a while. */
  onRetry(retry: PushRetry): void;
  /** Entries are refused, and durable in the rejected-lines file if they are kept; told once a reason and batch. */
  onRejected(rejected: RejectedEntries): void;
  /** Entries that Loki refused and of which no copy could be kept. @param why what stood in the way */
  onNotKept(lines: UnstoredLines, why: string): void;
  /** Entries that are too old for Loki: skipped, or refused by it. No copy is kept of them. */
  onTooOld(lines: UnstoredLines): void;
  onState(state: PushState): void;
  /** Loki was asked which of some lines it holds, before they are sent. */
  onAsked(asked: AskedLines): void;
  /** Lines are sent although Loki may hold them already, because it cannot be asked. */
  onReplayed(replayed: ReplayedLines): void;
  /** The pusher was closed: nothing more comes. */
  onClosed?(): void;
}

export interface AskedLines {
  readonly lines: number;
  /** Of them, those that Loki holds: they are not sent. */
  readonly held: number;
  readonly target: StreamTarget;
}

export interface ReplayedLines {
  readonly lines: number;
  /** Why Loki cannot be asked. */
  readonly reason: string;
  readonly hint: string;
  readonly target: StreamTarget;
}

export interface PushAttempt {
  readonly status: number | 'timeout' | 'connection';
  readonly seconds: number;
  readonly entries: number;
  /** Of the body, compressed. */
  readonly bytes: number;
  /** These entries were sent before, in this request or a larger one. */
  readonly repeated: boolean;
}

export interface PushRetry {
  readonly delayMs: number;
  readonly reason: string;
  /** What to do next. */
  readonly hint: string;
  /** Loki takes what others send: the state stays ok, and nobody but this tells that the stream is stuck. */
  readonly ofStream: boolean;
  readonly target: StreamTarget;
}

export interface RejectedEntries {
  readonly kind: RefusalKind;
  readonly entries: number;
  /** Of the entries: those of which no copy could be kept. */
  readonly notKept: number;
  readonly reason: string;
  readonly target: StreamTarget;
}
