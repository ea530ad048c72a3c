import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import { metadataSize, NO_METADATA, type Entry } from './entry.js';
import { labelValue, type Label } from './labels.js';
import type { LokiLimits } from './limits.js';
import type { Messages } from './messages.js';
import type { DiscardReason } from './tally.js';

export interface Complaint {
  readonly reason: DiscardReason;
  readonly message: string;
}

export const SERVICE_NAME = 'service_name';

/** A stream's labels against the limits (pkg/distributor/validator.go ValidateLabels). */
export function checkLabels(
  labels: readonly Label[],
  name: string,
  limits: LokiLimits,
  messages: Messages,
): string | undefined {
  const counted = labels.length - (labelValue(labels, SERVICE_NAME) === undefined ? 0 : 1);
  if (counted > limits.maxLabelNames) return messages.tooManyLabels(name, counted, limits.maxLabelNames);
  let before = '';
  for (const label of labels) {
    if (Buffer.byteLength(label.name) > limits.maxLabelNameBytes) {
      return messages.labelNameTooLong(name, label.name);
    }
    if (Buffer.byteLength(label.value) > limits.maxLabelValueBytes) {
      return messages.labelValueTooLong(name, label.value);
    }
    if (label.name === before) return messages.duplicateLabel(name, label.name);
    before = label.name;
  }
  return undefined;
}

/** An entry against the limits, in Loki's order (validator.go ValidateEntry). */
export function checkEntry(
  { stamp, line, metadata }: Entry,
  labels: string,
  now: Nanoseconds,
  limits: LokiLimits,
  messages: Messages,
): Complaint | undefined {
  const oldest = now - BigInt(limits.rejectOldSamplesMaxAgeMs) * NS_PER_MS;
  if (limits.rejectOldSamples && stamp < oldest) {
    return { reason: 'greater_than_max_sample_age', message: messages.tooOld(labels, stamp, oldest) };
  }
  if (stamp > now + BigInt(limits.creationGracePeriodMs) * NS_PER_MS) {
    return { reason: 'too_far_in_future', message: messages.tooNew(labels, stamp) };
  }
  if (limits.maxLineBytes > 0 && line.length > limits.maxLineBytes) {
    return {
      reason: 'line_too_long',
      message: messages.lineTooLong(limits.maxLineBytes, labels, line.length),
    };
  }
  return metadata.length === 0 ? undefined : checkMetadata(metadata, labels, limits, messages);
}

function checkMetadata(
  metadata: readonly Label[],
  labels: string,
  limits: LokiLimits,
  messages: Messages,
): Complaint | undefined {
  if (!limits.allowStructuredMetadata) {
    return { reason: 'disallowed_structured_metadata', message: messages.metadataDisallowed(labels) };
  }
  const size = metadataSize(metadata);
  const { maxStructuredMetadataBytes: maxBytes, maxStructuredMetadataEntries: maxEntries } = limits;
  if (maxBytes > 0 && size > maxBytes) {
    return {
      reason: 'structured_metadata_too_large',
      message: messages.metadataTooLarge(labels, size, maxBytes),
    };
  }
  if (maxEntries > 0 && metadata.length > maxEntries) {
    const message = messages.metadataTooMany(labels, metadata.length, maxEntries);
    return { reason: 'structured_metadata_too_many', message };
  }
  return undefined;
}

/**
 * Structured metadata as Loki keeps them: names made valid for Prometheus, broken characters in values replaced
 * by a space (distributor.go, prometheus otlptranslator NormalizeLabel).
 */
export function sanitizeMetadata(metadata: readonly Label[]): readonly Label[] {
  if (metadata.length === 0) return NO_METADATA;
  if (
    metadata.every(
      ({ name, value }) => /^(?:[a-zA-Z]|__)[a-zA-Z0-9_]*$/.test(name) && !value.includes('\ufffd'),
    )
  )
    return metadata;
  return metadata.map(({ name, value }) => ({
    name: sanitizeName(name),
    value: value.replaceAll('\ufffd', ' '),
  }));
}

function sanitizeName(name: string): string {
  const valid = name.replace(/[^a-zA-Z0-9_]/gu, '_');
  if (/^\d/.test(valid)) return `key_${valid}`;
  return /^_(?!_)/.test(valid) ? `key${valid}` : valid;
}
