import type {
  AskedLines,
  PushAttempt,
  PushObserver,
  RejectedEntries,
  ReplayedLines,
} from '../../src/loki/push-observer.js';
import type { PushState } from '../../src/loki/push-state.js';
import type { RejectedSink } from '../../src/loki/rejected.js';
import type { Rejection } from '../../src/loki/rejected-record.js';
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
  writes = 0;

  write(rejections: readonly Rejection[]): Promise<void> {
    this.writes++;
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    for (const { entries, kind, status, reason } of rejections) {
      this.lines.push(...linesOf(entries).map((line) => ({ ...line, kind, status, reason })));
    }
    return Promise.resolve();
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
  onState(state: PushState): void {
    this.states.push(state);
    this.atState(state);
  }
}
