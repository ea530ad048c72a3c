import * as z from 'zod';
import type { ContainerSummary, InspectedContainer } from '../model/container.js';
import { NS_PER_SECOND, parseStamp, type Nanoseconds } from '../model/nanoseconds.js';
import type { EngineApi } from './engine-api.js';
import { badAnswerError } from './engine-error.js';
import { logLimitOf } from './log-limit.js';
import { malformedItem, problemOf, type MalformedItem } from './malformed.js';
import { parseJson } from './request.js';

/** Of containers; nothing else becomes a path or the name of a file. */
export const CONTAINER_ID = /^[0-9a-f]{64}$/;

/** What is not needed is not looked at: versions of the Engine add and drop fields, and write null for empty. */
const labels = z.record(z.string(), z.string()).nullish();
const id = z.string().regex(CONTAINER_ID);
const text = z.string().nullish();
/** Without it a container can be collected: what is wrong counts as left out. */
const textOrNone = text.catch(undefined);

const listedShape = z.object({
  Id: id,
  Names: z.array(z.string()).nullish(),
  Image: text,
  Labels: labels,
  State: textOrNone,
  Created: z.number().nullish().catch(undefined),
});

/** Options of a log that are not understood: its files may be compressed, and there may be several. */
const UNKNOWN_OPTIONS = { compress: '?', 'max-file': '?' };

const inspectShape = z.object({
  Id: id,
  Name: textOrNone,
  Created: textOrNone,
  Config: z
    .object({ Tty: z.boolean().nullish(), Image: textOrNone, Labels: labels.catch(undefined) })
    .nullish(),
  HostConfig: z
    .object({
      LogConfig: z
        .object({ Type: text, Config: z.record(z.string(), z.string()).nullish().catch(UNKNOWN_OPTIONS) })
        .nullish(),
    })
    .nullish(),
  State: z
    .object({ Running: z.boolean().nullish(), StartedAt: textOrNone, FinishedAt: textOrNone })
    .nullish(),
});

/**
 * All containers there are, running or not: `GET /containers/json?all=1` (Engine API, ContainerList), without
 * `size`, which would be costly. An entry that cannot be understood is skipped; the others are not affected.
 *
 * @param onSkipped called for each entry that is skipped
 * @throws EngineError, also `engine_bad_answer` for an answer in which nothing looks like a container
 */
export async function listContainers(
  api: EngineApi,
  signal: AbortSignal,
  onSkipped: (item: MalformedItem) => void = () => undefined,
): Promise<ContainerSummary[]> {
  const question = { endpoint: api.endpoint, path: '/containers/json' };
  const { body } = await api.get({ path: question.path, query: { all: '1' } }, signal);
  const entries = parseJson(question, body, z.array(z.unknown()));
  const listed: ContainerSummary[] = [];
  const skipped: MalformedItem[] = [];
  for (const entry of entries) {
    const read = listedShape.safeParse(entry);
    if (read.success) listed.push(summaryOf(read.data));
    else skipped.push(malformedItem('container', idOf(entry), problemOf(read.error), JSON.stringify(entry)));
  }
  const [first] = skipped;
  if (
    first !== undefined &&
    skipped.every(({ containerId }) => containerId === undefined) &&
    listed.length === 0
  ) {
    throw badAnswerError(question, `entries that are no containers (${first.problem})`);
  }
  skipped.forEach(onSkipped);
  return listed;
}

function summaryOf(listed: z.infer<typeof listedShape>): ContainerSummary {
  return {
    id: listed.Id,
    name: ownName(listed.Names ?? []) ?? shortId(listed.Id),
    image: listed.Image ?? '',
    labels: listed.Labels ?? {},
    state: listed.State ?? 'unknown',
    created: wholeSeconds(listed.Created),
  };
}

function idOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'Id' in entry ? entry.Id : undefined;
}

/**
 * `GET /containers/{id}/json` (Engine API, ContainerInspect). What is wrong with a field without which a container can
 * be collected counts as left out.
 *
 * @param name the container's name for the message of an error, where it is known
 * @throws EngineError `engine_not_found` when it is gone, `engine_bad_answer` for an answer that cannot be understood
 */
export async function inspectContainer(
  api: EngineApi,
  containerId: string,
  signal: AbortSignal,
  name?: string,
): Promise<InspectedContainer> {
  const path = `/containers/${encodeURIComponent(containerId)}/json`;
  const question = { path, ...(name !== undefined ? { container: name } : {}) };
  const { body } = await api.get(question, signal);
  const { Name, Created, Config, HostConfig, State } = parseJson(
    { endpoint: api.endpoint, ...question },
    body,
    inspectShape,
  );
  const logDriver = HostConfig?.LogConfig?.Type ?? '';
  const logOptions = HostConfig?.LogConfig?.Config ?? {};
  const logLimit = logLimitOf(logDriver, logOptions);
  const createdAt = stampOrZero(Created);
  return {
    ...identityOf(Name, Created, Config),
    tty: Config?.Tty ?? false,
    logDriver,
    plainLog: isPlain(logDriver, logOptions),
    ...(isSingle(logDriver, logOptions) ? { singleFile: true } : {}),
    ...(logLimit === undefined ? {} : { logLimit }),
    ...(createdAt === 0n ? {} : { createdAt }),
    startedAt: stampOrZero(State?.StartedAt),
    finishedAt: stampOrZero(State?.FinishedAt),
    running: State?.Running ?? false,
  };
}

/** The identity of the container, as far as inspect shows it. */
function identityOf(
  written: string | null | undefined,
  createdAt: string | null | undefined,
  config: z.infer<typeof inspectShape>['Config'],
): Pick<InspectedContainer, 'name' | 'image' | 'labels' | 'created'> {
  const name = ownName([written ?? '']);
  const created = stampOrZero(createdAt);
  // null stands for none.
  const own = config?.Labels === null ? {} : config?.Labels;
  return {
    ...(name === undefined ? {} : { name }),
    ...(config?.Image === null || config?.Image === undefined ? {} : { image: config.Image }),
    ...(own === undefined ? {} : { labels: own }),
    ...(created === 0n ? {} : { created }),
  };
}

/** What Go takes for false (strconv.ParseBool), and an option that is not set. */
const OFF: ReadonlySet<string> = new Set(['', '0', 'f', 'F', 'false', 'False', 'FALSE']);

/**
 * json-file compresses only when told to (moby: daemon/logger/jsonfilelog). The driver local does unless told not
 * to, and so does the cache through which most others are read.
 */
function isPlain(logDriver: string, options: Readonly<Record<string, string>>): boolean {
  return logDriver === 'journald' || (logDriver === 'json-file' && OFF.has(options['compress'] ?? ''));
}

/** json-file rotates only when told to (moby: daemon/logger/jsonfilelog), and journald has no files of its own. */
function isSingle(logDriver: string, options: Readonly<Record<string, string>>): boolean {
  return logDriver === 'journald' || (logDriver === 'json-file' && Number(options['max-file'] ?? 1) === 1);
}

/**
 * The container's own name, without the slash. Legacy links give it others with a second slash
 * (`/web/database`); one that is being removed may have none.
 */
function ownName(names: readonly string[]): string | undefined {
  const bare = names.map((name) => name.replace(/^\//, '')).filter((name) => name !== '');
  return bare.find((name) => !name.includes('/')) ?? bare[0];
}

function shortId(containerId: string): string {
  return containerId.slice(0, 12);
}

function wholeSeconds(seconds: number | null | undefined): Nanoseconds {
  return seconds === null || seconds === undefined ? 0n : BigInt(Math.trunc(seconds)) * NS_PER_SECOND;
}

/** Go's zero time, the year 1, stands for never. */
function stampOrZero(text: string | null | undefined): Nanoseconds {
  const ns = text === null || text === undefined ? undefined : parseStamp(text);
  return ns === undefined || ns < 0n ? 0n : ns;
}
