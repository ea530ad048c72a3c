import type { Nanoseconds } from '../model/nanoseconds.js';

/** Why Loki does not take entries. */
export type RefusalKind =
  /** Older than `reject_old_samples_max_age`. */
  | 'too-old'
  /** Further behind the newest of its stream than half of `max_chunk_age`. */
  | 'too-far-behind'
  /** Further in the future than `creation_grace_period`. */
  | 'too-new'
  | 'line-too-long'
  /** Labels or structured metadata: nothing of this stream will ever be taken. */
  | 'stream'
  /** A request with one line only, and still too large for a gateway or for gRPC. */
  | 'too-large'
  /** A reason that Pollard does not know. */
  | 'other';

export type Verdict = Accepted | Retry | Shrink | Refused | Halt;

/** All of the request is stored. */
export interface Accepted {
  readonly kind: 'accepted';
}

/** It may heal by itself. */
export interface Retry {
  readonly kind: 'retry';
  readonly reason: string;
  readonly hint: string;
  readonly setting?: string;
  /** The server asked to wait so long. */
  readonly afterMs?: number;
  /** It may be the size: if it stays, half of it may pass. */
  readonly perhapsSize: boolean;
  /** It concerns this stream alone: Loki is there, and takes what others send. */
  readonly ofStream: boolean;
  readonly fate: RequestFate;
}

/**
 * What may have become of the entries of a request that failed:
 * - `not-stored`: nothing was stored, and nothing will be;
 * - `answered`: Loki is done with it, and may have stored them;
 * - `open`: Loki may store them now or later.
 */
export type RequestFate = 'not-stored' | 'answered' | 'open';

/** The request is too large, and will be so again. */
export interface Shrink {
  readonly kind: 'shrink';
  readonly reason: string;
}

/** Loki refuses one entry at least; those it does not refuse are stored. */
export interface Refused {
  readonly kind: 'refused';
  readonly why: RefusalKind;
  /** Loki's words. */
  readonly reason: string;
  /** Where Loki says that its window begins; a hint, in whole seconds. */
  readonly oldestAcceptable?: Nanoseconds;
  /** What the clock of who answered showed; whole seconds. */
  readonly answeredAt?: Nanoseconds;
}

/** Nothing passes until somebody changes a setting, here or there. The lines are kept. */
export interface Halt {
  readonly kind: 'halt';
  readonly reason: string;
  readonly hint: string;
  readonly setting: string;
  readonly afterMs?: number;
}
