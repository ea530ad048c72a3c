/** Why Loki discarded entries, in its own words for its metric (pkg/validation/validate.go). */
export type DiscardReason =
  | 'invalid_labels'
  | 'line_too_long'
  | 'greater_than_max_sample_age'
  | 'too_far_in_future'
  | 'disallowed_structured_metadata'
  | 'structured_metadata_too_large'
  | 'structured_metadata_too_many'
  | 'blocked_ingestion'
  | 'rate_limited'
  | 'stream_limit'
  | 'per_stream_rate_limit'
  | 'too_far_behind'
  /** The message to the ingester was too large; Loki has no reason of its own for it. */
  | 'grpc_message_too_large';

/** What became of entries. Received = accepted + refused; accepted = stored + folded at once. */
export interface PushTally {
  streams: number;
  received: number;
  /** Bytes of the lines received. */
  bytes: number;
  stored: number;
  /** Equal to the stream's last entry. */
  foldedAsLast: number;
  /** Equal to an entry of the head block. */
  foldedInHead: number;
  readonly refused: Map<DiscardReason, number>;
}

export function emptyTally(): PushTally {
  return {
    streams: 0,
    received: 0,
    bytes: 0,
    stored: 0,
    foldedAsLast: 0,
    foldedInHead: 0,
    refused: new Map(),
  };
}

export function refuse(tally: PushTally, reason: DiscardReason, entries: number): void {
  if (entries > 0) tally.refused.set(reason, (tally.refused.get(reason) ?? 0) + entries);
}

export function addTally(sum: PushTally, part: PushTally): void {
  sum.streams += part.streams;
  sum.received += part.received;
  sum.bytes += part.bytes;
  sum.stored += part.stored;
  sum.foldedAsLast += part.foldedAsLast;
  sum.foldedInHead += part.foldedInHead;
  for (const [reason, entries] of part.refused) refuse(sum, reason, entries);
}

export function accepted(tally: PushTally): number {
  return tally.stored + tally.foldedAsLast + tally.foldedInHead;
}
