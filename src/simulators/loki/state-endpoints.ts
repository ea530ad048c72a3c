import { stringify } from 'yaml';
import { NS_PER_MS } from '../../model/nanoseconds.js';
import { json, plain, type Answer } from './answer.js';
import { rfc3339 } from './go-format.js';
import { byteSize, duration, goDuration, type LokiLimits, type LokiVersion } from './limits.js';

const MB = 1024 * 1024;

/** `GET /ready` */
export function ready(): Answer {
  return plain('ready\n');
}

/** `GET /loki/api/v1/status/buildinfo` */
export function buildInfo(version: LokiVersion): Answer {
  return json({
    version: version === '3.5' ? '3.5.0' : '3.7.6',
    revision: 'simulated',
    branch: 'HEAD',
    buildUser: 'simulator',
    buildDate: '',
    goVersion: '',
  });
}

/**
 * `GET /config`: what a client can learn of the limits, under the keys and in the units that Loki prints
 * (pkg/validation/limits.go, pkg/ingester, dskit server). It shows the general limits, no tenant's.
 */
export function config(limits: LokiLimits, authEnabled: boolean): Answer {
  const document = {
    target: 'all',
    auth_enabled: authEnabled,
    server: { grpc_server_max_recv_msg_size: limits.grpcMaxMessageBytes },
    ingester: {
      chunk_idle_period: goDuration(limits.chunkIdlePeriodMs),
      chunk_block_size: limits.headBlockBytes,
      chunk_target_size: limits.chunkTargetBytes,
      max_chunk_age: goDuration(limits.maxChunkAgeMs),
      max_returned_stream_errors: limits.maxReturnedErrors,
    },
    limits_config: {
      ingestion_rate_strategy: 'global',
      ingestion_rate_mb: limits.ingestionRateBytes / MB,
      ingestion_burst_size_mb: limits.ingestionBurstBytes / MB,
      max_label_name_length: limits.maxLabelNameBytes,
      max_label_value_length: limits.maxLabelValueBytes,
      max_label_names_per_series: limits.maxLabelNames,
      reject_old_samples: limits.rejectOldSamples,
      reject_old_samples_max_age: duration(limits.rejectOldSamplesMaxAgeMs),
      creation_grace_period: duration(limits.creationGracePeriodMs),
      max_line_size: byteSize(limits.maxLineBytes),
      max_line_size_truncate: limits.truncateLines,
      increment_duplicate_timestamp: limits.incrementDuplicateTimestamp,
      discover_service_name: limits.discoverServiceName,
      discover_log_levels: limits.discoverLogLevels,
      max_global_streams_per_user: limits.maxStreams,
      per_stream_rate_limit: byteSize(limits.perStreamRateBytes),
      per_stream_rate_limit_burst: byteSize(limits.perStreamBurstBytes),
      max_entries_limit_per_query: limits.maxEntriesPerQuery,
      max_query_length: duration(limits.maxQueryLengthMs),
      shard_streams: {
        enabled: limits.shardStreams,
        desired_rate: byteSize(limits.shardDesiredRateBytes),
      },
      // Left out when false, as it is in Loki.
      ...(limits.allowStructuredMetadata && { allow_structured_metadata: true }),
      max_structured_metadata_size: byteSize(limits.maxStructuredMetadataBytes),
      max_structured_metadata_entries_count: limits.maxStructuredMetadataEntries,
      block_ingestion_until:
        limits.blockIngestionUntilMs === undefined
          ? 0
          : rfc3339(BigInt(limits.blockIngestionUntilMs) * NS_PER_MS),
      block_ingestion_status_code: limits.blockIngestionStatus,
    },
  };
  return plain(stringify(document));
}
