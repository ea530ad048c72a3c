import type { ContainerSummary, StreamName } from '../model/container.js';
import { DEFAULT_LABEL_LIMITS, sanitizeLabelName, type LabelSet } from '../model/labels.js';
import { cutToBytes, imageName } from './label-value.js';

/** Labels that a stream has unless they are left out; `stream` it always has. */
export type DefaultLabel = 'container' | 'image' | 'host' | 'compose_project' | 'compose_service' | 'job';

export interface LabelSettings {
  readonly job: string;
  /** The name of the machine. */
  readonly host: string;
  /** Name and value. They win over every other label of the name but `stream`. */
  readonly static: Readonly<Record<string, string>>;
  readonly drop: readonly DefaultLabel[];
  /** The label's name, and which of the container's own labels is its value. */
  readonly fromContainer: Readonly<Record<string, string>>;
  /** Send the container's id with each line. */
  readonly structuredMetadata: boolean;
  /** Told once of each different set of labels that had no place, with the first container. */
  readonly onLeftOut?: (containerName: string, names: readonly string[], reason: LeftOut) => void;
}

/**
 * Why a label has no place: Loki takes no more, or its name, as Loki wants names, is `stream`, that of a static
 * label, or that of one that comes before it.
 */
export type LeftOut = 'too_many' | 'name_taken';

/** Its values make two streams: without it, the lines of both would be held against each other. */
const STREAM = 'stream';
const DEFAULTS: ReadonlySet<string> = new Set<DefaultLabel | typeof STREAM>([
  STREAM,
  'container',
  'image',
  'host',
  'compose_project',
  'compose_service',
  'job',
]);
const { maxNames, maxNameBytes, maxValueBytes } = DEFAULT_LABEL_LIMITS;

/**
 * The labels of one of a container's streams: the default ones, those taken from the container's own labels and
 * the static ones, with names as Loki wants them and values no longer than it takes; empty ones are left out. Of
 * more than Loki takes, the last ones taken from the container are left out first, then the last static ones, in
 * the order of the settings.
 *
 * Lines are folded by Loki only within a stream, so a replay must find the labels of the first time. They are
 * made of what holds as long as the container lives, but for its name (docker rename) and its image, of which the
 * list shows the id once the name belongs to another. Name and labels are those of the newest answer of list or
 * inspect (see collector/identity.ts). A poll keeps what its container had when it began; the next one sends under the
 * new name. Only a process that ends between such a change and the next commit sends the
 * uncommitted lines once under either name: twice rather than never.
 */
export function streamLabels(
  container: ContainerSummary,
  stream: StreamName,
  settings: LabelSettings,
): LabelSet {
  const fixed = withNames(Object.entries(settings.static));
  const taken = withNames(
    Object.entries(settings.fromContainer).map(([name, label]) => [name, own(container.labels, label)]),
  );
  const labels = new Map(defaultLabels(container, stream, settings));
  const collided = [...fixed.collided, ...taken.collided];
  for (const [name, value] of fixed.labels) labels.set(name, value);
  for (const [name, value] of taken.labels) {
    if (fixed.labels.has(name)) collided.push(name);
    else labels.set(name, value);
  }
  const surplus = tooMany(labels, taken.labels, fixed.labels);
  for (const name of surplus) labels.delete(name);
  tell(settings, container.name, collided, 'name_taken');
  tell(settings, container.name, surplus, 'too_many');
  // Not by assignment, which `__proto__` would not survive.
  return Object.fromEntries(labels);
}

/**
 * What goes with each line of a container beside its labels: as many values as there are containers, which would
 * make too many streams.
 */
export function containerMetadata(
  container: ContainerSummary,
  settings: LabelSettings,
): Readonly<Record<string, string>> {
  return settings.structuredMetadata ? { container_id: container.id } : {};
}

function defaultLabels(
  container: ContainerSummary,
  stream: StreamName,
  settings: LabelSettings,
): [string, string][] {
  const values: Readonly<Record<DefaultLabel, string>> = {
    container: container.name,
    image: imageName(container.image),
    host: settings.host,
    compose_project: own(container.labels, 'com.docker.compose.project'),
    compose_service: own(container.labels, 'com.docker.compose.service'),
    job: settings.job,
  };
  const kept = Object.entries(values)
    .filter(([name, value]) => value !== '' && !settings.drop.includes(name as DefaultLabel))
    .map(([name, value]): [string, string] => [name, cutToBytes(value, maxValueBytes)]);
  return [[STREAM, stream], ...kept];
}

function own(labels: ContainerSummary['labels'], name: string): string {
  return Object.hasOwn(labels, name) ? (labels[name] as string) : '';
}

/** Names as Loki wants them, and which of them there were before; empty values are no labels. */
function withNames(wanted: readonly (readonly [string, string])[]) {
  const labels = new Map<string, string>();
  const collided: string[] = [];
  for (const [written, value] of wanted) {
    if (value === '') continue;
    const name = cutToBytes(sanitizeLabelName(written), maxNameBytes);
    if (name === STREAM || labels.has(name)) collided.push(written);
    else labels.set(name, cutToBytes(value, maxValueBytes));
  }
  return { labels, collided };
}

/** Which names to give up, so that Loki takes the rest. */
function tooMany(
  labels: ReadonlyMap<string, string>,
  taken: ReadonlyMap<string, string>,
  fixed: ReadonlyMap<string, string>,
): string[] {
  // Loki does not count it.
  const counted = [...labels.keys()].filter((name) => name !== 'service_name');
  const excess = counted.length - maxNames;
  if (excess <= 0) return [];
  const inTurn = [...[...taken.keys()].reverse(), ...[...fixed.keys()].reverse()].filter(
    (name) => counted.includes(name) && !DEFAULTS.has(name),
  );
  return [...new Set(inTurn)].slice(0, excess);
}

/** What was said already, for each settings; there are about as many as settings name labels. */
const told = new WeakMap<LabelSettings, Set<string>>();

function tell(settings: LabelSettings, container: string, names: readonly string[], reason: LeftOut): void {
  if (names.length === 0 || !settings.onLeftOut) return;
  const said = told.get(settings) ?? new Set();
  told.set(settings, said);
  const key = `${reason} ${names.join(' ')}`;
  if (said.has(key)) return;
  said.add(key);
  settings.onLeftOut(container, names, reason);
}
