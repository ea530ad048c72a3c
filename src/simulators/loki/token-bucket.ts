/**
 * Go's rate.Limiter: full at first; a demand over the burst is never met, one that is not met takes nothing
 * (golang.org/x/time/rate AllowN, used by the distributor for a tenant and by the ingester for a stream).
 */
export class TokenBucket {
  readonly rate: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** Rate in tokens a second; `now` in monotonic milliseconds. */
  constructor(rate: number, burst: number, now: number) {
    this.rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  allow(demand: number, now: number): boolean {
    const elapsed = Math.max(now - this.#at, 0) / 1000;
    const tokens = Math.min(this.#burst, this.#tokens + elapsed * this.rate);
    if (demand > this.#burst || demand > tokens) return false;
    this.#tokens = tokens - demand;
    this.#at = now;
    return true;
  }
}
