import type { Clock } from '../../model/clock.js';
import { NS_PER_MS } from '../../model/nanoseconds.js';
import { entrySize, type Entry, type PushedStream } from './entry.js';
import { Ingester, type ValidStream } from './ingester.js';
import type { Refusal } from './ingester-stream.js';
import { formatLabels, LabelSyntaxError, labelValue, parseLabels, withLabel, type Label } from './labels.js';
import { withDetectedLevel } from './levels.js';
import type { LokiLimits } from './limits.js';
import type { LogStore } from './log-store.js';
import { grouped, MISSING_LABELS, MISSING_STREAMS, type Messages } from './messages.js';
import { encodedStreamSize } from './protobuf.js';
import { StreamRates } from './stream-rates.js';
import { refuse, type PushTally } from './tally.js';
import { TokenBucket } from './token-bucket.js';
import { checkEntry, checkLabels, sanitizeMetadata, SERVICE_NAME } from './validate.js';

const SHARD_LABEL = '__stream_shard__';

interface ReadStream {
  readonly labels: readonly Label[];
  /** As error messages of the distributor show the labels. */
  readonly shown: string;
  readonly entries: readonly Entry[];
}

export interface TenantOptions {
  readonly tenant: string;
  readonly clock: Clock;
  readonly limits: LokiLimits;
  readonly messages: Messages;
  readonly store: LogStore;
  readonly metadataCounts: boolean;
}

/** A tenant's way through the distributor and into the ingester (pkg/distributor/distributor.go). */
export class Distributor {
  readonly #options: TenantOptions;
  readonly #rate: TokenBucket;
  readonly #rates: StreamRates;
  readonly #ingester: Ingester;

  constructor(options: TenantOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#rate = new TokenBucket(options.limits.ingestionRateBytes, options.limits.ingestionBurstBytes, now);
    this.#rates = new StreamRates(now);
    this.#ingester = new Ingester(options, now);
  }

  get activeStreams(): number {
    return this.#ingester.active;
  }

  /** Undefined: 204. The tally says what became of each entry, which the answer does not. */
  push(pushed: readonly PushedStream[], tally: PushTally): Refusal | undefined {
    for (const { entries } of pushed) {
      tally.streams++;
      tally.received += entries.length;
      for (const { line } of entries) tally.bytes += line.length;
    }

    // One stream whose labels cannot be read, and nothing of the request is stored (push.go).
    let streams: ReadStream[];
    try {
      streams = pushed.map((stream) => this.#readStream(stream));
    } catch (error) {
      if (!(error instanceof LabelSyntaxError)) throw error;
      refuse(tally, 'invalid_labels', tally.received);
      return { status: 400, message: `couldn't parse labels: ${error.message}` };
    }

    // Only a request without any stream is 422; streams without entries are passed over, and answered 204.
    if (streams.length === 0) return { status: 422, message: MISSING_STREAMS };

    const { complaints, blocked, valid } = this.#validate(streams, tally);
    // What was refused here is told only when nothing behind it refuses (PushWithResolver).
    const refusal =
      complaints.length > 0 ? { status: 400, message: grouped(complaints) } : (blocked ?? undefined);
    if (valid.length === 0) return refusal;
    return this.#checkRate(valid, tally) ?? this.#send(valid, tally) ?? refusal;
  }

  /** Labels in order, with `service_name` (push.go ParseLokiRequest). @throws LabelSyntaxError */
  #readStream({ labels: text, entries }: PushedStream): ReadStream {
    const { discoverServiceName } = this.#options.limits;
    const labels = parseLabels(text);
    if (discoverServiceName.length === 0 || labelValue(labels, SERVICE_NAME) !== undefined) {
      return { labels, shown: text, entries };
    }
    const found = discoverServiceName
      .map((name) => labelValue(labels, name))
      .find((value) => value !== undefined);
    const completed = withLabel(labels, SERVICE_NAME, found ?? 'unknown_service');
    return { labels: completed, shown: formatLabels(completed), entries };
  }

  #validate(
    streams: readonly ReadStream[],
    tally: PushTally,
  ): { complaints: string[]; blocked: Refusal | undefined; valid: ValidStream[] } {
    const { limits, messages } = this.#options;
    const complaints: string[] = [];
    const valid: ValidStream[] = [];
    let blocked: Refusal | undefined;
    for (const { labels, shown, entries } of streams) {
      if (entries.length === 0) continue;
      const complaint = labels.length === 0 ? MISSING_LABELS : checkLabels(labels, shown, limits, messages);
      if (complaint !== undefined) {
        complaints.push(complaint);
        refuse(tally, 'invalid_labels', entries.length);
        continue;
      }
      const block = this.#blocked();
      if (block !== undefined) {
        refuse(tally, 'blocked_ingestion', entries.length);
        // With status 200 the loss is not even told.
        if (block.status !== 200) blocked = block;
        continue;
      }
      const name = formatLabels(labels);
      const good = this.#validEntries(entries, labels, name, tally, complaints);
      if (good.length > 0) valid.push(...this.#shard({ labels, name, base: name, entries: good }));
    }
    return { complaints, blocked, valid };
  }

  #validEntries(
    entries: readonly Entry[],
    labels: readonly Label[],
    name: string,
    tally: PushTally,
    complaints: string[],
  ): Entry[] {
    const { limits, messages, clock } = this.#options;
    const now = clock.now();
    const discoverLevels = limits.discoverLogLevels && limits.allowStructuredMetadata;
    const good: Entry[] = [];
    let previous = entries[0]?.stamp;
    for (const pushed of entries) {
      const entry = this.#truncated(pushed);
      const complaint = checkEntry(entry, name, now, limits, messages);
      if (complaint !== undefined) {
        complaints.push(complaint.message);
        refuse(tally, complaint.reason, 1);
        continue;
      }
      let { stamp } = entry;
      const last = good.at(-1);
      if (limits.incrementDuplicateTimestamp && last !== undefined) {
        // One ns behind the entry before, when stamps are equal and lines differ.
        const equal = stamp === previous || stamp === last.stamp;
        if (last.line !== entry.line && equal) stamp = last.stamp + 1n;
        else previous = stamp;
      }
      const metadata = sanitizeMetadata(entry.metadata);
      good.push({
        stamp,
        line: entry.line,
        metadata: discoverLevels ? withDetectedLevel(labels, metadata, entry.line) : metadata,
      });
    }
    return good;
  }

  #truncated(entry: Entry): Entry {
    const { truncateLines, maxLineBytes } = this.#options.limits;
    if (!truncateLines || maxLineBytes === 0 || entry.line.length <= maxLineBytes) return entry;
    return { ...entry, line: entry.line.slice(0, maxLineBytes) };
  }

  /** validator.go ShouldBlockIngestion. */
  #blocked(): Refusal | undefined {
    const { limits, messages, clock, tenant } = this.#options;
    if (limits.blockIngestionUntilMs === undefined) return undefined;
    const until = BigInt(limits.blockIngestionUntilMs) * NS_PER_MS;
    if (clock.now() >= until) return undefined;
    const status = limits.blockIngestionStatus;
    return { status, message: messages.blocked(tenant, until, status) };
  }

  /** Divides a stream's push when it is over the desired rate (distributor.go shardStream). */
  #shard(stream: ValidStream): ValidStream[] {
    const { limits, clock } = this.#options;
    if (!limits.shardStreams) return [stream];
    const bytes = stream.entries.reduce((sum, { line }) => sum + line.length, 0);
    const total = this.#rates.shards(stream.name, bytes, limits.shardDesiredRateBytes, clock.monotonic());
    if (total <= 1) return [stream];
    const count = Math.min(total, stream.entries.length);
    const first = this.#rates.firstShard(stream.name, count);
    const shards: Entry[][] = Array.from({ length: count }, () => []);
    // Entries in turn, as cards are dealt.
    stream.entries.forEach((entry, i) => shards[i % count]?.push(entry));
    return shards.map((entries, i) => {
      const labels = withLabel(stream.labels, SHARD_LABEL, String((first + i) % total));
      return { labels, name: formatLabels(labels), base: stream.name, entries };
    });
  }

  /** The tenant's rate: the whole request, or nothing of it (429). */
  #checkRate(valid: readonly ValidStream[], tally: PushTally): Refusal | undefined {
    const { tenant, messages, clock } = this.#options;
    let lines = 0;
    let bytes = 0;
    for (const { entries } of valid) {
      lines += entries.length;
      for (const entry of entries) bytes += entrySize(entry);
    }
    if (this.#rate.allow(bytes, clock.monotonic())) return undefined;
    refuse(tally, 'rate_limited', lines);
    return { status: 429, message: messages.tenantRate(tenant, Math.trunc(this.#rate.rate), lines, bytes) };
  }

  /**
   * On to the ingester, by gRPC also inside of one process: a message that is too large ends as a 500 that no
   * repetition heals. It is the distributor's message that counts, with what it added to the entries.
   */
  #send(valid: readonly ValidStream[], tally: PushTally): Refusal | undefined {
    const { limits, clock } = this.#options;
    let size = 0;
    for (const { name, entries } of valid) size += encodedStreamSize(name, entries);
    if (size > limits.grpcMaxMessageBytes) {
      for (const { entries } of valid) refuse(tally, 'grpc_message_too_large', entries.length);
      const message = `rpc error: code = ResourceExhausted desc = grpc: received message larger than max (${size} vs. ${limits.grpcMaxMessageBytes})`;
      return { status: 500, message };
    }
    const now = clock.monotonic();
    return this.#ingester.push(valid, tally, now, (base, name, bytes) => {
      this.#rates.record(base, name, bytes, now);
    });
  }
}
