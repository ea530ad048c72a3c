/** Which Loki is played: rules and texts of 3.5.0, or those of 3.7.6 where they differ. */
export type LokiVersion = '3.5' | '3.7';

/**
 * Everything that a Loki refuses something by, with the meaning of the setting in brackets. Bytes are bytes,
 * times are milliseconds, 0 switches a limit off where Loki does so too.
 */
export interface LokiLimits {
  /** A tenant's bytes a second (`ingestion_rate_mb`). */
  readonly ingestionRateBytes: number;
  /** A tenant's burst (`ingestion_burst_size_mb`); a larger request is refused for ever. */
  readonly ingestionBurstBytes: number;
  /** Distributor to ingester (`server.grpc_server_max_recv_msg_size`). */
  readonly grpcMaxMessageBytes: number;
  /** 3.7 only: body as it arrives (`distributor.max_recv_msg_size`). */
  readonly maxRequestBytes: number;
  readonly maxLineBytes: number;
  /** Cut lines that are too long, instead of refusing them (`max_line_size_truncate`). */
  readonly truncateLines: boolean;
  /** Label names a stream, `service_name` not counted (`max_label_names_per_series`). */
  readonly maxLabelNames: number;
  readonly maxLabelNameBytes: number;
  readonly maxLabelValueBytes: number;
  readonly allowStructuredMetadata: boolean;
  readonly maxStructuredMetadataBytes: number;
  readonly maxStructuredMetadataEntries: number;
  readonly rejectOldSamples: boolean;
  readonly rejectOldSamplesMaxAgeMs: number;
  readonly creationGracePeriodMs: number;
  /** An entry may be half of this behind its stream's newest (`ingester.max_chunk_age`). */
  readonly maxChunkAgeMs: number;
  /** A stream without pushes for so long is forgotten, its newest stamp too (`ingester.chunk_idle_period`). */
  readonly chunkIdlePeriodMs: number;
  /** Uncompressed bytes of a head block, inside which equal entries are folded (`ingester.chunk_block_size`). */
  readonly headBlockBytes: number;
  /** Compressed bytes of a chunk (`ingester.chunk_target_size`). */
  readonly chunkTargetBytes: number;
  /** Active streams a tenant (`max_global_streams_per_user`). */
  readonly maxStreams: number;
  readonly perStreamRateBytes: number;
  readonly perStreamBurstBytes: number;
  /** Streams over the desired rate are divided (`shard_streams.enabled`). */
  readonly shardStreams: boolean;
  readonly shardDesiredRateBytes: number;
  /** Wall clock, ms since 1970 (`block_ingestion_until`). */
  readonly blockIngestionUntilMs: number | undefined;
  readonly blockIngestionStatus: number;
  readonly incrementDuplicateTimestamp: boolean;
  /** The labels that `service_name` is taken from; none: it is not added (`discover_service_name`). */
  readonly discoverServiceName: readonly string[];
  /** Adds `detected_level` to the structured metadata (`discover_log_levels`). */
  readonly discoverLogLevels: boolean;
  /** How many entries of a stream an answer names (`ingester.max_returned_stream_errors`). */
  readonly maxReturnedErrors: number;
  readonly maxEntriesPerQuery: number;
  readonly maxQueryLengthMs: number;
}

const KB = 1024;
const MB = 1024 * KB;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Loki's defaults (pkg/validation/limits.go, pkg/ingester/ingester.go, dskit server), 3.5.0 and 3.7.6 alike. */
export const DEFAULT_LIMITS: LokiLimits = {
  ingestionRateBytes: 4 * MB,
  ingestionBurstBytes: 6 * MB,
  grpcMaxMessageBytes: 4 * MB,
  maxRequestBytes: 100 * MB,
  maxLineBytes: 256 * KB,
  truncateLines: false,
  maxLabelNames: 15,
  maxLabelNameBytes: 1024,
  maxLabelValueBytes: 2048,
  allowStructuredMetadata: true,
  maxStructuredMetadataBytes: 64 * KB,
  maxStructuredMetadataEntries: 128,
  rejectOldSamples: true,
  rejectOldSamplesMaxAgeMs: 7 * 24 * HOUR,
  creationGracePeriodMs: 10 * MINUTE,
  maxChunkAgeMs: 2 * HOUR,
  chunkIdlePeriodMs: 30 * MINUTE,
  headBlockBytes: 256 * KB,
  chunkTargetBytes: 1536 * KB,
  maxStreams: 5000,
  perStreamRateBytes: 3 * MB,
  perStreamBurstBytes: 15 * MB,
  shardStreams: true,
  shardDesiredRateBytes: 1536 * KB,
  blockIngestionUntilMs: undefined,
  blockIngestionStatus: 260,
  incrementDuplicateTimestamp: false,
  discoverServiceName: [
    'service',
    'app',
    'application',
    'app_name',
    'name',
    'app_kubernetes_io_name',
    'container',
    'container_name',
    'k8s_container_name',
    'component',
    'workload',
    'job',
    'k8s_job_name',
  ],
  discoverLogLevels: true,
  maxReturnedErrors: 10,
  maxEntriesPerQuery: 5000,
  maxQueryLengthMs: 721 * HOUR,
};

/** Bytes as Loki prints them: in the largest unit that divides them (flagext.ByteSize, c2h5oh/datasize). */
export function byteSize(bytes: number): string {
  if (bytes === 0) return '0B';
  for (const [size, unit] of [
    [1024 ** 4, 'TB'],
    [1024 ** 3, 'GB'],
    [MB, 'MB'],
    [KB, 'KB'],
  ] as const) {
    if (bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}

/** A length of time as the limits print it: `1w`, `10m`; 721 hours are `30d1h` (prometheus model.Duration). */
export function duration(ms: number): string {
  if (ms === 0) return '0s';
  let text = '';
  let rest = ms;
  for (const [unit, name] of [
    [7 * 24 * HOUR, 'w'],
    [24 * HOUR, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'm'],
    [1000, 's'],
    [1, 'ms'],
  ] as const) {
    // Weeks only where nothing is left over.
    if (name === 'w' && rest % unit !== 0) continue;
    const count = Math.floor(rest / unit);
    if (count > 0) text += `${count}${name}`;
    rest -= count * unit;
  }
  return text;
}

/** A length of time as Go prints it: `2h0m0s`, `30m0s`, `1.5s`. */
export function goDuration(ms: number): string {
  const hours = Math.floor(ms / HOUR);
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  const seconds = `${(ms % MINUTE) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
