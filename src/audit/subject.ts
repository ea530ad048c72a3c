import { formatLabels } from '../loki/labels.js';
import type { LabelSet } from '../model/labels.js';
import type { StreamName } from '../model/container.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { EngineLog } from './engine-log.js';
import type { LokiEntry } from './loki-query.js';
import type { StampRange } from './stamp-range.js';

export const STREAMS: readonly StreamNumber[] = [1, 2];

export function streamName(stream: StreamNumber): StreamName {
  return stream === 1 ? 'stdout' : 'stderr';
}

/** One container, as the two sides know it. */
export interface Subject {
  readonly log: EngineLog;
  readonly range: StampRange;
  readonly labels: (stream: StreamName) => LabelSet;
  /** Its streams in Loki may hold lines of other containers that there are now. */
  readonly shared: boolean;
}

/** Finds the container's stream in Loki, with whatever further labels it has: of a shard, of a resend. */
export function selectorOf(subject: Subject, stream: StreamNumber): string {
  return formatLabels(subject.labels(streamName(stream)));
}

/**
 * Whether an entry may be the container's. Without structured metadata containers that had the same name are
 * one to Loki.
 */
export function mayBeOf(subject: Subject, entry: LokiEntry): boolean {
  return entry.containerId === undefined || entry.containerId === subject.log.container.id;
}

/** Whether an entry that the Engine does not have is the container's all the same. */
export function belongsTo(subject: Subject, entry: LokiEntry): boolean {
  return entry.containerId === subject.log.container.id || !subject.shared;
}
