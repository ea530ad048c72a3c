import type { LabelSet } from '../model/labels.js';
import { formatLabels } from './labels.js';
import { encodePairs } from './metadata-pairs.js';
import { lengthDelimited } from './varint.js';

/** Where lines go: one stream of one tenant. Made once a stream, used by all of its batches. */
export interface StreamTarget {
  readonly labels: LabelSet;
  /** As Loki reads them; the identity of the stream. */
  readonly labelString: string;
  /**
   * Goes with each line; where there is none, pieces of lines are not described either. Part of what a repetition is folded by from Loki 3.7 on: it must not change.
   */
  readonly structuredMetadata: Readonly<Record<string, string>>;
  /** StreamAdapter.labels, tag and length included. */
  readonly encodedLabels: Buffer;
  /** EntryAdapter.structuredMetadata, all of them, tags and lengths included. */
  readonly encodedMetadata: Buffer;
  readonly tenant?: string;
  /** For people: errors and the rejected-lines file. */
  readonly containerName: string;
  /** Undefined: the lines do not come from a container's log. */
  readonly containerId?: string;
}

export interface StreamTargetInit {
  readonly labels: LabelSet;
  readonly structuredMetadata?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly containerName: string;
  readonly containerId?: string;
}

/** Makes a target, with all of it encoded that is the same for each line (pkg/push/push.proto). */
export function streamTarget(init: StreamTargetInit): StreamTarget {
  const { labels, structuredMetadata = {}, tenant, containerName, containerId } = init;
  const labelString = formatLabels(labels);
  // Sorted, so that two processes write the same bytes.
  const pairs = Object.entries(structuredMetadata).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const encodedMetadata = encodePairs(pairs);
  return {
    labels,
    labelString,
    structuredMetadata,
    encodedLabels: alone(lengthDelimited(1, text(labelString))),
    encodedMetadata: alone(encodedMetadata),
    ...(tenant === undefined ? {} : { tenant }),
    containerName,
    ...(containerId === undefined ? {} : { containerId }),
  };
}

function text(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}

/** In memory of its own: a small Buffer is a part of a block of 8 KiB, which lives as long as any of its parts. */
function alone(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
