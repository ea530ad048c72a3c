import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  seededRandom,
  startEngineSimulator,
  type EngineProfile,
  type EngineProfileName,
  type EngineSimulator,
} from '../../../src/simulators/engine/index.js';
import {
  startLokiSimulator,
  type LokiSimulator,
  type LokiSimulatorOptions,
} from '../../../src/simulators/loki/index.js';
import type { ProgramOptions } from '../collector/program.js';
import { Service } from '../collector/service.js';
import { until } from '../until.js';
import { pollard, settingArgs, type PollardOptions, type PollardRun } from './pollard.js';

/** By path, as texts; undefined leaves out one that a site has by itself. */
export type SiteSettings = Readonly<Record<string, string | undefined>>;

export interface SiteOptions {
  readonly profile?: EngineProfileName | EngineProfile;
  readonly loki?: LokiSimulatorOptions;
  readonly settings?: SiteSettings;
}

/** Quick, so that the tests are; nothing is read of the machine's own configuration. */
const QUICK: SiteSettings = {
  'poll.interval': '200ms',
  'poll.min_interval': '50ms',
  'poll.max_interval': '400ms',
  'discovery.events_interval': '100ms',
  'discovery.list_interval': '1s',
  'loki.batch.max_age': '100ms',
  'loki.backoff.min': '20ms',
  'loki.backoff.max': '200ms',
  'loki.backoff.max_retries': '0',
  'loki.outage_grace': '200ms',
  'status.listen': '127.0.0.1:0',
  'log.format': 'json',
};

/** A machine with a simulated Engine, a Loki and a folder, on which commands are typed. */
export class Site {
  readonly folder: string;
  readonly engine: EngineSimulator;
  readonly loki: LokiSimulator;
  readonly #settings: SiteSettings;
  readonly #services: Service[] = [];

  /** Use withSite. */
  constructor(folder: string, engine: EngineSimulator, loki: LokiSimulator, settings: SiteSettings) {
    this.folder = folder;
    this.engine = engine;
    this.loki = loki;
    this.#settings = settings;
  }

  /** A path in the folder. */
  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  get stateDir(): string {
    return this.path('state');
  }

  /** Runs a command line to its end, in this process. */
  async pollard(
    words: readonly string[],
    settings: SiteSettings = {},
    options: PollardOptions = {},
  ): Promise<PollardRun> {
    return await pollard([...words, ...this.#arguments(settings)], {
      ...options,
      env: { ...noSettings(), ...options.env },
    });
  }

  /** Runs a command line in a process of its own, of the built program. */
  launch(words: readonly string[], settings: SiteSettings = {}, options: ProgramOptions = {}): Service {
    const service = new Service([...words, ...this.#arguments(settings)], options);
    this.#services.push(service);
    return service;
  }

  /** `pollard run`, once it collects. */
  async run(settings: SiteSettings = {}, options: ProgramOptions = {}): Promise<Service> {
    return await this.launch(['run'], settings, options).ready();
  }

  /** Waits until Loki shows so many entries. */
  async untilStored(entries: number): Promise<void> {
    await until(`Loki holds ${entries} entries`, () => this.loki.counts().entries >= entries, {
      instead: () => [this.loki.counts(), this.lastWords()],
    });
  }

  /** Waits until a fault that was laid on the Engine has struck. */
  async untilStruck(): Promise<void> {
    await until('the fault has struck', () => this.engine.faultsStruck > 0, {
      instead: () => this.lastWords(),
    });
  }

  /** Kills what still runs. */
  async close(): Promise<void> {
    await Promise.all(this.#services.filter(({ running }) => running).map((service) => service.kill()));
  }

  lastWords(): string {
    return this.#services.at(-1)?.lastWords() ?? '';
  }

  #arguments(settings: SiteSettings): string[] {
    const all: SiteSettings = {
      ...QUICK,
      'docker.host': `unix://${this.engine.socketPath}`,
      'loki.url': this.loki.url,
      'collector.state_dir': this.stateDir,
      ...this.#settings,
      ...settings,
    };
    const given = Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined);
    return settingArgs(Object.fromEntries(given));
  }
}

/** The test's own environment must not set anything. */
function noSettings(): Record<string, undefined> {
  const names = Object.keys(process.env).filter((name) => /^(?:POLLARD|DOCKER)_/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/**
 * Words before a command by which also root may do only what the permissions of files say: a socket or a file of
 * mode 000 is refused to it, as it would be to another user, who perhaps could not even read the program.
 */
export function bowingToPermissions(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  return ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
}

/** Runs with a site of its own, of which nothing is left afterwards. */
export async function withSite(options: SiteOptions, use: (site: Site) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pollard-site-'));
  const { profile } = options;
  const engine = await startEngineSimulator({
    socketPath: join(folder, 'docker.sock'),
    random: seededRandom(1),
    ...(profile === undefined ? {} : { profile }),
  });
  const loki = await startLokiSimulator(options.loki);
  const site = new Site(folder, engine, loki, options.settings ?? {});
  try {
    await use(site);
  } catch (error) {
    if (error instanceof Error) error.message += `\n\n--- the last words ---\n${site.lastWords()}`;
    throw error;
  } finally {
    await site.close();
    await loki.close();
    await engine.close();
    await rm(folder, { recursive: true });
  }
}
