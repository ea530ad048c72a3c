import { formatLabels } from '../loki/labels.js';
import type { LabelSet } from '../model/labels.js';
import type { StreamName } from '../model/container.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { EngineLog } from './engine-log.js';
import type { LokiEntry } from '../loki/read/loki-query.js';
import type { StampRange } from '../loki/read/stamp-range.js';

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
  /** Each line was sent with the container's id as structured metadata. */
  readonly idIsSent: boolean;
}

/** The list shows an image's id once its name was given to another: lines before and after are in two streams. */
const CHANGES: ReadonlySet<string> = new Set(['image']);

/** The labels by which a container's stream is found: those that stay. */
export function lastingLabels(labels: LabelSet): LabelSet {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !CHANGES.has(name)));
}

/** Finds the container's stream in Loki, with whatever further labels it has: of a shard, of a resend. */
export function selectorOf(subject: Subject, stream: StreamNumber): string {
  return formatLabels(lastingLabels(subject.labels(streamName(stream))));
}

/**
 * Finds the container's lines under whatever name it had when they were sent (docker rename), by its id. Loki looks
 * at the lines of all containers for this. Undefined: its id was not sent.
 */
export function selectorById(subject: Subject, stream: StreamNumber): string | undefined {
  if (!subject.idIsSent) return undefined;
  const { container: name, ...others } = lastingLabels(subject.labels(streamName(stream)));
  if (name === undefined) return undefined;
  return `${formatLabels(others)} | container_id="${subject.log.container.id}"`;
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
