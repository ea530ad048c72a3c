import { join } from 'node:path';
import {
  startLokiSimulator,
  type LokiSimulator,
  type LokiSimulatorOptions,
} from '../../../src/simulators/loki/index.js';
import type { RunningEngine } from '../engines/index.js';
import { settingArgs } from '../setting-flags.js';
import { withFolder } from '../test-folder.js';
import { until, type Patience } from '../until.js';
import { readAudit, type Audited } from './audited.js';
import type { Ending, Program, ProgramOptions } from './program.js';
import { Service } from './service.js';

/** By path, as on the command line: `{ 'poll.interval': '1s' }`. Undefined leaves out one that is set by default. */
export type SettingTexts = Readonly<Record<string, string | undefined>>;

export interface InstallationOptions {
  readonly settings?: SettingTexts;
  readonly loki?: LokiSimulatorOptions;
}

/** What `catch-up --json` prints. */
export interface Summary {
  readonly containers: number;
  readonly lines: number;
  readonly duplicates_dropped: number;
  readonly gaps: number;
  readonly possible_gaps: number;
  readonly rejected: number;
  readonly failed: readonly { readonly container: string; readonly reason: string; readonly code: string }[];
  readonly unreadable: readonly string[];
  /** Containers whose driver keeps no logs. */
  readonly no_log: readonly string[];
}

export interface CatchUpRun extends Ending {
  readonly summary: Summary;
  readonly program: Program;
}

/** Quick, so that the tests are. */
const QUICK: SettingTexts = {
  'poll.interval': '1s',
  'poll.min_interval': '100ms',
  'poll.max_interval': '2s',
  'discovery.events_interval': '200ms',
  'loki.batch.max_age': '200ms',
  'loki.backoff.min': '50ms',
  'loki.backoff.max': '500ms',
  'status.listen': '127.0.0.1:0',
  'log.format': 'json',
};

/** Where an installation stands. */
export interface Surroundings<Engine> {
  /** Of its own; the state directory is in it. */
  readonly folder: string;
  readonly engine: Engine;
  readonly loki: LokiSimulator;
}

/**
 * Pollard as an operator has it: the built program and a state directory, between an Engine, real or simulated, and a
 * strict Loki.
 */
export class Installation<Engine extends { readonly socketPath: string } = RunningEngine> {
  readonly folder: string;
  readonly engine: Engine;
  readonly loki: LokiSimulator;
  readonly #settings: SettingTexts;
  readonly #programs: Service[] = [];

  /** Use withInstallation, or withSite. */
  constructor({ folder, engine, loki }: Surroundings<Engine>, settings: SettingTexts) {
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

  /** Runs any command line of the built program, in a process of its own. */
  launch(words: readonly string[], settings: SettingTexts = {}, options: ProgramOptions = {}): Service {
    const service = new Service([...words, ...this.arguments(settings)], options);
    this.#programs.push(service);
    return service;
  }

  /** `pollard run`, once it collects. */
  async run(settings: SettingTexts = {}, options: ProgramOptions = {}): Promise<Service> {
    return await this.launch(['run'], settings, options).ready();
  }

  /** One catch-up, to its end. */
  async catchUp(settings: SettingTexts = {}): Promise<CatchUpRun> {
    const program = this.launch(['catch-up', '--json'], settings);
    const ending = await program.ended;
    const summary = program.stdout === '' ? undefined : (JSON.parse(program.stdout) as Summary);
    if (summary === undefined && ending.code === 0) throw new Error('catch-up printed no summary');
    return { ...ending, summary: summary as Summary, program };
  }

  /** One `verify`, to its end. @param more flags, such as `--since=2024-05-01` */
  async verify(...more: readonly string[]): Promise<Audited> {
    const program = this.launch(['verify', '--json', ...more]);
    const { code } = await program.ended;
    if (program.stdout === '') throw new Error(`verify printed no report: ${program.lastWords()}`);
    return readAudit(code, program.stdout);
  }

  /** Waits until Loki shows so many entries, markers of gaps among them. */
  async untilStored(entries: number, patience: Patience = {}): Promise<void> {
    await until(`Loki holds ${entries} entries`, () => this.loki.counts().entries >= entries, {
      instead: () => [this.loki.counts(), this.lastWords()],
      ...patience,
    });
  }

  /**
   * Stops the service in order and looks whether that was the end of it: a catch-up behind it has nothing to
   * push, and nothing was ever sent twice. What it finds is to be equal to SETTLED.
   */
  async settle(service: Service): Promise<typeof SETTLED> {
    const { code } = await service.stop();
    const after = await this.catchUp();
    return {
      serviceExit: code,
      catchUpExit: after.code,
      left: after.summary.lines,
      sentTwice: this.loki.counts().strictDuplicates,
      refused: this.loki.counts().refused,
    };
  }

  /** Kills what still runs. */
  async close(): Promise<void> {
    await Promise.all(this.#programs.filter(({ running }) => running).map((program) => program.kill()));
  }

  /** What the programs said last, for the report of a test that failed. */
  lastWords(): string {
    return this.#programs
      .slice(-2)
      .map((program) => program.lastWords())
      .join('\n---\n');
  }

  /** The flags that a command is given. */
  protected arguments(settings: SettingTexts): string[] {
    return settingArgs({
      'docker.host': `unix://${this.engine.socketPath}`,
      'loki.url': this.loki.url,
      'collector.state_dir': this.stateDir,
      ...this.#settings,
      ...settings,
    });
  }
}

/** See Installation.settle. */
export const SETTLED: {
  readonly serviceExit: number | null;
  readonly catchUpExit: number | null;
  readonly left: number;
  readonly sentTwice: number;
  readonly refused: Readonly<Record<string, number>>;
} = { serviceExit: 0, catchUpExit: 0, left: 0, sentTwice: 0, refused: {} };

/** Runs with an installation of its own, of which nothing is left afterwards; all containers of the engine go too. */
export async function withInstallation(
  engine: RunningEngine,
  use: (pollard: Installation) => Promise<void>,
  { loki: limits = {}, settings = {} }: InstallationOptions = {},
): Promise<void> {
  await withFolder('state', async (folder) => {
    const loki = await startLokiSimulator(limits);
    try {
      await withPrograms(new Installation({ folder, engine, loki }, { ...QUICK, ...settings }), use);
    } finally {
      await loki.close();
      // The next installation on this Engine begins without containers.
      await engine.removeContainers();
    }
  });
}

/** Kills what still runs in the end, and quotes it when the test failed. */
export async function withPrograms<
  Kind extends { readonly lastWords: () => string; readonly close: () => Promise<void> },
>(installation: Kind, use: (installation: Kind) => Promise<void>): Promise<void> {
  try {
    await use(installation);
  } catch (error) {
    if (error instanceof Error)
      error.message += `\n\n--- the programs' last words ---\n${installation.lastWords()}`;
    throw error;
  } finally {
    await installation.close();
  }
}
