import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  startLokiSimulator,
  type LokiSimulator,
  type LokiSimulatorOptions,
} from '../../../src/simulators/loki/index.js';
import type { RunningEngine } from '../engines/index.js';
import { until, type Patience } from '../until.js';
import { readAudit, type Audited } from './audited.js';
import { Program, type Ending } from './program.js';
import { Service } from './service.js';

/** By path, as on the command line: `{ 'poll.interval': '1s' }`. */
export type SettingTexts = Readonly<Record<string, string>>;

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
  readonly rejected: number;
  readonly failed: readonly { readonly container: string; readonly reason: string; readonly code: string }[];
  readonly unreadable: readonly string[];
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

/** Pollard as an operator has it: the built program, a state directory, between a real Engine and a strict Loki. */
export class Installation {
  readonly engine: RunningEngine;
  readonly loki: LokiSimulator;
  readonly stateDir: string;
  readonly #settings: SettingTexts;
  readonly #programs: Program[] = [];

  /** Use withInstallation. */
  constructor(engine: RunningEngine, loki: LokiSimulator, stateDir: string, settings: SettingTexts) {
    this.engine = engine;
    this.loki = loki;
    this.stateDir = stateDir;
    this.#settings = settings;
  }

  /** The service, once it collects. */
  async run(settings: SettingTexts = {}): Promise<Service> {
    return await this.launch(settings).ready();
  }

  /** The service, as soon as its process is there. */
  launch(settings: SettingTexts = {}): Service {
    const service = new Service(['run', ...this.#arguments(settings)]);
    this.#programs.push(service);
    return service;
  }

  /** One catch-up, to its end. */
  async catchUp(settings: SettingTexts = {}): Promise<CatchUpRun> {
    const program = this.command('catch-up', ['--json'], settings);
    const ending = await program.ended;
    const summary = program.stdout === '' ? undefined : (JSON.parse(program.stdout) as Summary);
    if (summary === undefined && ending.code === 0) throw new Error('catch-up printed no summary');
    return { ...ending, summary: summary as Summary, program };
  }

  /** One `verify`, to its end. @param more flags, such as `--since=2024-05-01` */
  async verify(...more: readonly string[]): Promise<Audited> {
    const program = this.command('verify', ['--json', ...more]);
    const { code } = await program.ended;
    if (program.stdout === '') throw new Error(`verify printed no report: ${program.lastWords()}`);
    return readAudit(code, program.stdout);
  }

  /** Any command, as soon as its process is there. */
  command(name: string, more: readonly string[], settings: SettingTexts = {}): Program {
    const program = new Program([name, ...more, ...this.#arguments(settings)]);
    this.#programs.push(program);
    return program;
  }

  /** Waits until Loki shows so many entries, markers of gaps among them. */
  async untilStored(entries: number, patience: Patience = {}): Promise<void> {
    await until(`Loki holds ${entries} entries`, () => this.loki.counts().entries >= entries, {
      instead: () => this.loki.counts(),
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

  #arguments(settings: SettingTexts): string[] {
    const all = {
      ...QUICK,
      'docker.host': `unix://${this.engine.socketPath}`,
      'loki.url': this.loki.url,
      'collector.state_dir': this.stateDir,
      ...this.#settings,
      ...settings,
    };
    // As src/config/settings.ts makes the flag of a path.
    return Object.entries(all).map(([path, value]) => `--${path.replace(/[._]/g, '-')}=${value}`);
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
  options: InstallationOptions = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pollard-state-'));
  const loki = await startLokiSimulator(options.loki);
  const pollard = new Installation(engine, loki, join(folder, 'state'), options.settings ?? {});
  try {
    await use(pollard);
  } catch (error) {
    if (error instanceof Error)
      error.message += `\n\n--- the programs' last words ---\n${pollard.lastWords()}`;
    throw error;
  } finally {
    await pollard.close();
    await loki.close();
    await rm(folder, { recursive: true });
    // The next installation on this Engine begins without containers.
    await engine.removeContainers();
  }
}
