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

/** How many selectors there are in selectorsUnderOtherLabels(), at most. */
export const OTHER_WIDTHS = 3;

/**
 * Finds the container's lines under whatever labels they were sent, by its id: on another host, on the same host under
 * other labels, anywhere. Each looks at more lines than the one before, the last at those of all streams. Empty: its id
 * was not sent.
 */
export function selectorsUnderOtherLabels(subject: Subject, stream: StreamNumber): readonly string[] {
  if (!subject.idIsSent) return [];
  const { host, ...others } = lastingLabels(subject.labels(streamName(stream)));
  const anywhere = { stream: streamName(stream) };
  const sets = host === undefined || host === '' ? [anywhere] : [others, { ...anywhere, host }, anywhere];
  return sets.map((labels) => `${formatLabels(labels)} | container_id="${subject.log.container.id}"`);
}

/**
 * In which lasting labels a stream differs from the container's, with its own values, as a selector of LogQL; a label
 * that it does not have is empty. Undefined: in none.
 */
export function otherLabels(subject: Subject, stream: StreamNumber, labels: LabelSet): string | undefined {
  const own = lastingLabels(subject.labels(streamName(stream)));
  const pairs = Object.entries(own)
    .filter(([name, value]) => value !== '' && labels[name] !== value)
    .map(([name]): readonly [string, string] => [name, labels[name] ?? ''])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? `${name}=""` : formatLabels({ [name]: value }).slice(1, -1)));
  return pairs.length === 0 ? undefined : `{${pairs.join(', ')}}`;
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
