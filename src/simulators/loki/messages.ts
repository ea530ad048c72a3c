import type { Nanoseconds } from '../../model/nanoseconds.js';
import { rfc3339 } from './go-format.js';
import { byteSize, type LokiVersion } from './limits.js';

export const MISSING_STREAMS = 'error at least one valid stream is required for ingestion';
export const MISSING_LABELS = 'error at least one label pair is required per stream';

/**
 * Loki's words (pkg/validation/validate.go). In 3.7 some begin in lower case, some lose their full stop, and
 * the tenant of a blocked ingestion is quoted.
 */
export class Messages {
  readonly #newer: boolean;

  constructor(version: LokiVersion) {
    this.#newer = version === '3.7';
  }

  lineTooLong(limit: number, labels: string, length: number): string {
    return `${this.#case('Max')} entry size '${limit}' bytes exceeded for stream '${labels}' while adding an entry with length '${length}' bytes`;
  }

  tooOld(labels: string, stamp: Nanoseconds, oldest: Nanoseconds): string {
    return `entry for stream '${labels}' has timestamp too old: ${rfc3339(stamp)}, oldest acceptable timestamp is: ${rfc3339(oldest)}`;
  }

  tooNew(labels: string, stamp: Nanoseconds): string {
    return `entry for stream '${labels}' has timestamp too new: ${rfc3339(stamp)}`;
  }

  tooFarBehind(stamp: Nanoseconds, oldest: Nanoseconds): string {
    return `entry too far behind, entry timestamp is: ${rfc3339(stamp)}, oldest acceptable timestamp is: ${rfc3339(oldest)}`;
  }

  tooManyLabels(labels: string, count: number, limit: number): string {
    return `entry for stream '${labels}' has ${count} label names; limit ${limit}`;
  }

  labelNameTooLong(labels: string, name: string): string {
    return `stream '${labels}' has label name too long: '${name}'`;
  }

  labelValueTooLong(labels: string, value: string): string {
    return `stream '${labels}' has label value too long: '${value}'`;
  }

  duplicateLabel(labels: string, name: string): string {
    return `stream '${labels}' has duplicate label name: '${name}'`;
  }

  metadataDisallowed(labels: string): string {
    return this.#stop(
      `stream '${labels}' includes structured metadata, but this feature is disallowed. Please see \`limits_config.allow_structured_metadata\` or contact your Loki administrator to enable it`,
    );
  }

  metadataTooLarge(labels: string, size: number, limit: number): string {
    return this.#stop(
      `stream '${labels}' has structured metadata too large: '${size}' bytes, limit: '${limit}' bytes. Please see \`limits_config.max_structured_metadata_size\` or contact your Loki administrator to increase it`,
    );
  }

  metadataTooMany(labels: string, count: number, limit: number): string {
    return this.#stop(
      `stream '${labels}' has too many structured metadata labels: '${count}', limit: '${limit}'. Please see \`limits_config.max_structured_metadata_entries_count\` or contact your Loki administrator to increase it`,
    );
  }

  blocked(tenant: string, until: Nanoseconds, status: number): string {
    const user = this.#newer ? `'${tenant}'` : tenant;
    return `ingestion blocked for user ${user} until '${rfc3339(until)}' with status code '${status}'`;
  }

  tenantRate(tenant: string, limit: number, lines: number, bytes: number): string {
    return `${this.#case('Ingestion')} rate limit exceeded for user ${tenant} (limit: ${limit} bytes/sec) while attempting to ingest '${lines}' lines totaling '${bytes}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased`;
  }

  /** The same in both versions. */
  streamRate(limit: number, labels: string, bytes: number): string {
    return `Per stream rate limit exceeded (limit: ${byteSize(limit)}/sec) while attempting to ingest for stream '${labels}' totaling ${byteSize(bytes)}, consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can be increased`;
  }

  streamLimit(labels: string, tenant: string): string {
    return `${this.#case('Maximum')} active stream limit exceeded when trying to create stream ${labels}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: '${tenant}'`;
  }

  #case(word: string): string {
    return this.#newer ? word.toLowerCase() : word;
  }

  #stop(sentence: string): string {
    return this.#newer ? sentence : `${sentence}.`;
  }
}

/** Equal messages once, with their number (pkg/util/errors.go GroupedErrors). */
export function grouped(messages: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const message of messages) counts.set(message, (counts.get(message) ?? 0) + 1);
  if (counts.size === 1 && messages.length === 1) return messages[0] ?? '';
  return [...counts].map(([message, times]) => `${times} errors like: ${message}`).join('; ');
}
