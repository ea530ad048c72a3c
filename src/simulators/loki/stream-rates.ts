/** How strongly the last second counts (pkg/distributor/ratestore.go). */
const SMOOTHING = 0.4;
const TICK_MS = 1000;
/** A rate that was not heard of for so long is forgotten (ratestore.go rateKeepAlive). */
const KEEP_TICKS = 600;

interface Rate {
  bytes: number;
  pushes: number;
  /** The second it was last heard of. */
  heard: number;
}

interface Sample {
  bytes: number;
  /** Of the busiest shard. */
  pushes: Map<string, number>;
}

/**
 * What the distributor knows of its streams' rates, and into how many pieces it divides a push
 * (pkg/ingester/stream_rate_calculator.go, pkg/distributor/ratestore.go, distributor.go shardStream). Loki has
 * two loops of one second each, one behind the other; here they are one, with seconds of the monotonic clock.
 *
 * A divided stream is two streams for all that comes after: each has its own newest stamp and folds its own
 * equal entries; `__stream_shard__` tells them apart. So even a push of one stream can answer 204 with a part
 * of it refused, and a replay that is divided otherwise is not folded.
 */
export class StreamRates {
  readonly #rates = new Map<string, Rate>();
  readonly #nextShard = new Map<string, number>();
  #samples = new Map<string, Sample>();
  #tick: number;

  /** `now` in monotonic milliseconds. */
  constructor(now: number) {
    this.#tick = Math.floor(now / TICK_MS);
  }

  /** A shard of a stream was pushed. */
  record(stream: string, shard: string, bytes: number, now: number): void {
    this.#advance(now);
    let sample = this.#samples.get(stream);
    if (sample === undefined) this.#samples.set(stream, (sample = { bytes: 0, pushes: new Map() }));
    sample.bytes += bytes;
    sample.pushes.set(shard, (sample.pushes.get(shard) ?? 0) + 1);
  }

  /** Into how many shards a push of so many bytes is divided; never at a stream's first push. */
  shards(stream: string, pushBytes: number, desiredRate: number, now: number): number {
    this.#advance(now);
    const rate = this.#current(stream, this.#tick);
    if (rate === undefined || desiredRate <= 0 || rate.pushes === 0) return 1;
    const amortized = Math.floor(pushBytes * Math.min(rate.pushes, 1));
    return Math.max(Math.ceil((Math.floor(rate.bytes) + amortized) / desiredRate), 1);
  }

  /** The first shard of a push, going on where the last one ended (pkg/distributor/shard_tracker.go). */
  firstShard(stream: string, count: number): number {
    const first = this.#nextShard.get(stream) ?? 0;
    this.#nextShard.set(stream, first + count);
    return first;
  }

  #advance(now: number): void {
    const tick = Math.floor(now / TICK_MS);
    if (tick <= this.#tick) return;
    const samples = this.#samples;
    this.#samples = new Map();
    this.#tick++;
    for (const [stream, sample] of samples) {
      const pushes = Math.max(...sample.pushes.values());
      // Silent seconds lie between the last sample and this one.
      const before = this.#current(stream, this.#tick - 1) ?? { bytes: sample.bytes, pushes };
      this.#rates.set(stream, {
        bytes: smoothed(sample.bytes, before.bytes),
        pushes: smoothed(pushes, before.pushes),
        heard: this.#tick,
      });
    }
    this.#tick = tick;
  }

  /** The rate at the end of a second: it decays in every one without a push. */
  #current(stream: string, tick: number): { bytes: number; pushes: number } | undefined {
    const rate = this.#rates.get(stream);
    if (rate === undefined) return undefined;
    const silent = tick - rate.heard;
    if (silent > KEEP_TICKS) {
      this.#rates.delete(stream);
      return undefined;
    }
    const decay = (1 - SMOOTHING) ** silent;
    return { bytes: rate.bytes * decay, pushes: rate.pushes * decay };
  }
}

function smoothed(next: number, last: number): number {
  return SMOOTHING * next + (1 - SMOOTHING) * last;
}
