import * as z from 'zod';
import type { ContainerDetails, ContainerSummary } from '../model/container.js';
import { NS_PER_SECOND, parseStamp, type Nanoseconds } from '../model/nanoseconds.js';
import type { EngineApi } from './engine-api.js';
import { parseJson } from './request.js';

/** What is not needed is not looked at: versions of the Engine add and drop fields, and write null for empty. */
const labels = z.record(z.string(), z.string()).nullish();
const id = z.string().regex(/^[0-9a-f]{64}$/);

const listShape = z.array(
  z.object({
    Id: id,
    Names: z.array(z.string()).nullish(),
    Image: z.string().nullish(),
    Labels: labels,
    State: z.string().nullish(),
    Created: z.number().nullish(),
  }),
);

const inspectShape = z.object({
  Id: id,
  Name: z.string().nullish(),
  Config: z.object({ Tty: z.boolean().nullish() }).nullish(),
  HostConfig: z
    .object({
      LogConfig: z
        .object({ Type: z.string().nullish(), Config: z.record(z.string(), z.string()).nullish() })
        .nullish(),
    })
    .nullish(),
  State: z
    .object({
      Running: z.boolean().nullish(),
      StartedAt: z.string().nullish(),
      FinishedAt: z.string().nullish(),
    })
    .nullish(),
});

/**
 * All containers there are, running or not: `GET /containers/json?all=1` (Engine API, ContainerList), without
 * `size`, which would be costly.
 *
 * @throws EngineError
 */
export async function listContainers(api: EngineApi, signal: AbortSignal): Promise<ContainerSummary[]> {
  const path = '/containers/json';
  const { body } = await api.get({ path, query: { all: '1' } }, signal);
  return parseJson({ endpoint: api.endpoint, path }, body, listShape).map((listed) => ({
    id: listed.Id,
    name: ownName(listed.Names ?? [], listed.Id),
    image: listed.Image ?? '',
    labels: listed.Labels ?? {},
    state: listed.State ?? 'unknown',
    created: wholeSeconds(listed.Created),
  }));
}

/** What inspect tells, with the name. */
export interface InspectedContainer extends ContainerDetails {
  readonly name: string;
}

/**
 * `GET /containers/{id}/json` (Engine API, ContainerInspect).
 *
 * @param name the container's name for the message of an error, where it is known
 * @throws EngineError `engine_not_found` when it is gone
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
  const { Id, Name, Config, HostConfig, State } = parseJson(
    { endpoint: api.endpoint, ...question },
    body,
    inspectShape,
  );
  const logDriver = HostConfig?.LogConfig?.Type ?? '';
  const logOptions = HostConfig?.LogConfig?.Config ?? {};
  return {
    name: ownName([Name ?? ''], Id),
    tty: Config?.Tty ?? false,
    logDriver,
    plainLog: isPlain(logDriver, logOptions),
    ...(isSingle(logDriver, logOptions) ? { singleFile: true } : {}),
    startedAt: stampOrZero(State?.StartedAt),
    finishedAt: stampOrZero(State?.FinishedAt),
    running: State?.Running ?? false,
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
function ownName(names: readonly string[], containerId: string): string {
  const bare = names.map((name) => name.replace(/^\//, '')).filter((name) => name !== '');
  return bare.find((name) => !name.includes('/')) ?? bare[0] ?? containerId.slice(0, 12);
}

function wholeSeconds(seconds: number | null | undefined): Nanoseconds {
  return seconds === null || seconds === undefined ? 0n : BigInt(Math.trunc(seconds)) * NS_PER_SECOND;
}

/** Go's zero time, the year 1, stands for never. */
function stampOrZero(text: string | null | undefined): Nanoseconds {
  const ns = text === null || text === undefined ? undefined : parseStamp(text);
  return ns === undefined || ns < 0n ? 0n : ns;
}
