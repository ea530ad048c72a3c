import { existsSync } from 'node:fs';
import type { Config } from '../../config/schema.js';
import { withoutCredentials } from '../../config/shown.js';
import { createTransport } from '../../loki/transport.js';
import type { Clock } from '../../model/clock.js';
import { PollardError } from '../../model/errors.js';
import { engineParts } from '../wiring/engine-parts.js';
import { lokiSettings } from '../wiring/loki-settings.js';
import { demoConfig, type DemoConfigParts } from './config.js';
import type { DemoOptions } from './options.js';

/** A real one that answers, or why there is none. */
export type Found =
  | {
      readonly address: string;
      /** What it says of itself. */
      readonly version: string;
    }
  | { readonly address: undefined; readonly why: string };

export interface SearchContext {
  readonly options: DemoOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly run: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const USUAL_SOCKET = '/var/run/docker.sock';
const ANSWER_MS = 10_000;
/** Stands where the address of the other side is not known yet; nothing is sent there. */
const NOWHERE = { address: 'http://127.0.0.1:3100', simulated: true };

/**
 * Looks for a real Engine: `--docker-host`, DOCKER_HOST, or Docker's usual socket; one that answers.
 *
 * @throws PollardError when the one that was named on the command line does not answer
 */
export async function findEngine(context: SearchContext): Promise<Found> {
  const { options, env, clock, signal } = context;
  if (options.simulate) return { address: undefined, why: '--simulate' };
  const named = options.dockerHost ?? (env['DOCKER_HOST'] || undefined);
  if (named === undefined && !existsSync(USUAL_SOCKET)) {
    return { address: undefined, why: `DOCKER_HOST is not set, and there is no ${USUAL_SOCKET}` };
  }
  const address = named ?? `unix://${USUAL_SOCKET}`;
  const config = partsOf(context, { engine: { address, simulated: false }, loki: NOWHERE });
  const name = named === undefined ? USUAL_SOCKET : `DOCKER_HOST=${withoutCredentials(address)}`;
  return await tried(options.dockerHost !== undefined, name, async () => {
    const { api } = await engineParts(await config, clock);
    const { apiVersion, engineVersion } = await api.version(signal);
    return { address, version: `${engineVersion ?? 'of unknown version'}, API ${apiVersion}` };
  });
}

/**
 * Looks for a real Loki: `--loki-url`, or LOKI_URL; one that answers.
 *
 * @throws PollardError when the one that was named on the command line does not answer
 */
export async function findLoki(context: SearchContext): Promise<Found> {
  const { options, env, signal } = context;
  if (options.simulate) return { address: undefined, why: '--simulate' };
  const address = options.lokiUrl ?? (env['LOKI_URL'] || undefined);
  if (address === undefined) return { address: undefined, why: 'LOKI_URL is not set' };
  const engine = { address: `unix://${USUAL_SOCKET}`, simulated: true };
  const config = partsOf(context, { engine, loki: { address, simulated: false } });
  return await tried(options.lokiUrl !== undefined, `LOKI_URL=${withoutCredentials(address)}`, async () => ({
    address,
    version: await askLoki(await config, signal),
  }));
}

function partsOf(context: SearchContext, sides: Pick<DemoConfigParts, 'engine' | 'loki'>): Promise<Config> {
  const { folder, run, env } = context;
  const config = demoConfig({ ...sides, folder, run, env });
  config.catch(() => undefined);
  return config;
}

/** @param wanted named on the command line: an error is one, and no reason to simulate */
async function tried(wanted: boolean, name: string, ask: () => Promise<Found>): Promise<Found> {
  try {
    return await ask();
  } catch (error) {
    if (wanted || !(error instanceof PollardError)) throw error;
    return { address: undefined, why: `${name} cannot be used: ${error.message}` };
  }
}

/** Its version; any answer but an error is good. `/ready` is seldom let through by gateways. */
async function askLoki(config: Config, signal: AbortSignal): Promise<string> {
  const transport = await createTransport(lokiSettings(config));
  try {
    const ask = (path: string) => transport.get(path, { timeoutMs: ANSWER_MS }, signal);
    const labels = await ask('/loki/api/v1/labels');
    if (labels.status !== 200) {
      throw new PollardError(
        'loki_refused',
        `it answers with ${labels.status} ${labels.body.slice(0, 200)}`,
        {
          setting: 'loki.url',
          hint: 'check the address, and POLLARD_LOKI_TENANT or POLLARD_LOKI_BASIC_AUTH_USERNAME if it asks for them',
          exit: 'loki',
        },
      );
    }
    const { status, body } = await ask('/loki/api/v1/status/buildinfo');
    const version = status === 200 ? /"version"\s*:\s*"([^"]{1,40})"/.exec(body)?.[1] : undefined;
    return version ?? 'of unknown version';
  } finally {
    await transport.close();
  }
}
