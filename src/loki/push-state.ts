import type { Clock } from '../model/clock.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** How it stands with Loki. */
export interface PushState {
  /**
   * ok; retrying: it may heal by itself; halted: somebody must change a setting; failed: the last push that tried
   * has given up (`max_retries`), and only another one will show whether it is ok again.
   */
  readonly kind: 'ok' | 'retrying' | 'halted' | 'failed';
  /** Since when it is, or is not, ok: the other kinds may follow one another. Wall clock, ns. */
  readonly since: Nanoseconds;
  /** What happened last; empty when ok. */
  readonly reason: string;
  /** What to do next; empty when ok. */
  readonly hint: string;
  /** The setting to look at, if it is one. */
  readonly setting?: string;
}

/** Follows the answers: the first failure ends `ok`, the first acceptance brings it back. */
export class PushStateWatch {
  readonly #clock: Clock;
  readonly #told: (state: PushState) => void;
  #state: PushState;
  #isRateLimit = false;
  #hasAnswered = false;

  constructor(clock: Clock, told: (state: PushState) => void) {
    this.#clock = clock;
    this.#told = told;
    this.#state = { kind: 'ok', since: clock.now(), reason: '', hint: '' };
  }

  get current(): PushState {
    return this.#state;
  }

  /** It is not ok, and for another reason than a limit of the rate, which passes. */
  get isAway(): boolean {
    return this.#state.kind !== 'ok' && !this.#isRateLimit;
  }

  /** Loki has taken something, or said that it limits the rate, at some time. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Loki answers. That alone does not show that it takes what is sent. */
  answered(): void {
    this.#hasAnswered = true;
  }

  succeeded(): void {
    this.#hasAnswered = true;
    if (this.#state.kind !== 'ok') this.#set({ kind: 'ok', since: this.#clock.now(), reason: '', hint: '' });
  }

  /** @param isRateLimit Loki answers, and only limits the rate (429) */
  failed(
    kind: 'retrying' | 'halted',
    trouble: { reason: string; hint: string; setting?: string },
    isRateLimit = false,
  ): void {
    this.#isRateLimit = isRateLimit;
    if (isRateLimit) this.#hasAnswered = true;
    const { reason, hint, setting } = trouble;
    const since = this.#state.kind === 'ok' ? this.#clock.now() : this.#state.since;
    const state: PushState = { kind, since, reason, hint, ...(setting === undefined ? {} : { setting }) };
    const known = this.#state.kind === kind && this.#state.reason === reason;
    if (known) this.#state = state;
    else this.#set(state);
  }

  /** No push is under way any more that would bring it back. */
  gaveUp(): void {
    if (this.#state.kind !== 'ok') this.#set({ ...this.#state, kind: 'failed' });
  }

  #set(state: PushState): void {
    this.#state = state;
    this.#told(state);
  }
}
