import type {
  AskedLines,
  PushAttempt,
  PushObserver,
  RejectedEntries,
  ReplayedLines,
} from '../../src/loki/push-observer.js';
import type { PushState } from '../../src/loki/push-state.js';
import { ALL_KEPT, type NotKept, type RejectedSink } from '../../src/loki/rejected.js';
import type { Rejection } from '../../src/loki/rejected-record.js';
import { unstored, type UnstoredLines } from '../../src/loki/unstored-lines.js';
import { linesOf, type PushLine } from './push-lines.js';

export interface SetAside extends PushLine {
  kind: string;
  status: number;
  reason: string;
}

/** Refused lines, kept in memory. */
export class MemorySink implements RejectedSink {
  readonly lines: SetAside[] = [];
  /** What the next writes fail with, one each. */
  readonly failures: Error[] = [];
  /** Set: nothing is kept, for this reason. */
  full: string | undefined;
  writes = 0;

  write(rejections: readonly Rejection[]): Promise<NotKept> {
    this.writes++;
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    if (this.full !== undefined) {
      const lines = rejections.map(({ entries, kind, reason }) => unstored(entries, kind, reason));
      return Promise.resolve({ lines, why: this.full });
    }
    for (const { entries, kind, status, reason } of rejections) {
      this.lines.push(...linesOf(entries).map((line) => ({ ...line, kind, status, reason })));
    }
    return Promise.resolve(ALL_KEPT);
  }

  get texts(): string[] {
    return this.lines.map(({ line }) => line.toString());
  }
}

type Retry = Parameters<PushObserver['onRetry']>[0];

/** Writes down what it is told. */
export class RecordingPushObserver implements PushObserver {
  readonly attempts: PushAttempt[] = [];
  readonly retries: Retry[] = [];
  readonly rejected: RejectedEntries[] = [];
  readonly notKept: { readonly lines: UnstoredLines; readonly why: string }[] = [];
  readonly tooOld: UnstoredLines[] = [];
  readonly states: PushState[] = [];
  readonly asked: AskedLines[] = [];
  readonly replayed: ReplayedLines[] = [];
  /** Does something at a retry, such as ending an outage. */
  atRetry: (retries: number) => void = () => undefined;
  /** The same when a request has ended. */
  atAttempt: (attempts: number) => void = () => undefined;
  /** The same when it stands otherwise with Loki. */
  atState: (state: PushState) => void = () => undefined;

  onAttempt(attempt: PushAttempt): void {
    this.attempts.push(attempt);
    this.atAttempt(this.attempts.length);
  }
  onRetry(retry: Retry): void {
    this.retries.push(retry);
    this.atRetry(this.retries.length);
  }
  onRejected(rejected: RejectedEntries): void {
    this.rejected.push(rejected);
  }
  onAsked(asked: AskedLines): void {
    this.asked.push(asked);
  }
  onReplayed(replayed: ReplayedLines): void {
    this.replayed.push(replayed);
  }
  onNotKept(lines: UnstoredLines, why: string): void {
    this.notKept.push({ lines, why });
  }
  onTooOld(lines: UnstoredLines): void {
    this.tooOld.push(lines);
  }
  onState(state: PushState): void {
    this.states.push(state);
    this.atState(state);
  }
}
