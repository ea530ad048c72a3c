import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCursor } from '../../src/cursors/codec.js';
import { cursorFile } from '../../src/cursors/file-names.js';
import { idOfFile } from '../../src/cursors/read-cursors.js';
import { ExitCode } from '../../src/model/exit-codes.js';
import { Program } from '../support/collector/program.js';
import { Service } from '../support/collector/service.js';
import { CLOCK_MODULE } from './set-clock.js';
import type { Standing } from './sight.js';

/** A container that the collector named as missed. */
export interface Named {
  /** The first twelve digits of its id. */
  readonly id: string;
  readonly container: string;
  readonly reason: string;
  /** When it was heard, monotonic ms. */
  readonly heardAt: number;
}

/** As the run asked for it: the process itself may lag behind. */
export type Asked = 'up' | 'stopping' | 'down';

export interface ChaosCollectorOptions {
  readonly folder: string;
  readonly socketPath: string;
  readonly lokiUrl: string;
  readonly clockFile: string;
}

/** Quick, so that much happens in a run; what waits for an Engine or Loki that hangs waits as short as may be. */
const SETTINGS = {
  docker: { timeout: '1s' },
  discovery: { events_interval: '200ms', list_interval: '2s' },
  poll: {
    interval: '400ms',
    min_interval: '100ms',
    max_interval: '1s',
    deadline: '5s',
    idle_timeout: '1s',
  },
  // A line left open for long is one line in the account, and must not become two here.
  lines: { open_max_age: '1h' },
  loki: {
    timeout: '1s',
    batch: { max_age: '200ms' },
    backoff: { min: '20ms', max: '500ms' },
    outage_grace: '500ms',
    // Longer than a delayed push takes to be stored, also where the collector was killed as soon as it was sent.
    settle_time: '2s',
    // Lines of the future are written as well.
    too_new_patience: '3s',
  },
  shutdown: { timeout: '2s' },
  status: { listen: '127.0.0.1:0' },
  log: { format: 'json' },
} as const;

/** The built collector, in one process after the other, all on the same state directory. */
export class ChaosCollector {
  readonly named: Named[] = [];
  /** What no collector may do: end by itself, or with an error. */
  readonly misdeeds: string[] = [];
  readonly counts = { started: 0, stopped: 0, killed: 0, caughtUp: 0, shutOut: 0 };
  readonly stateDir: string;
  readonly #configFile: string;
  readonly #clockFile: string;
  /** What all its processes said. */
  readonly #logFile: string;
  #service: Service | undefined;
  /** One that ended by itself. */
  #lost: Service | undefined;
  #asked: Asked = 'down';
  /** A catch-up, while no service runs. */
  #catchUp: Program | undefined;
  #heard = 0;
  #collecting = false;

  constructor({ folder, socketPath, lokiUrl, clockFile }: ChaosCollectorOptions) {
    this.stateDir = join(folder, 'state');
    this.#clockFile = clockFile;
    this.#logFile = join(folder, 'collector.log');
    this.#configFile = join(folder, 'pollard.yaml');
    mkdirSync(folder, { recursive: true });
    const config = {
      ...SETTINGS,
      collector: { state_dir: this.stateDir, host: 'here' },
      docker: { ...SETTINGS.docker, host: `unix://${socketPath}` },
      loki: { ...SETTINGS.loki, url: lokiUrl },
    };
    // What is JSON is YAML.
    writeFileSync(this.#configFile, JSON.stringify(config, null, 2));
  }

  get asked(): Asked {
    return this.#asked;
  }

  /** It runs, and looks at the Engine. */
  get collecting(): boolean {
    return this.#asked === 'up' && this.#collecting && this.#service?.running === true;
  }

  get rejectedFile(): string {
    return join(this.stateDir, 'rejected.jsonl');
  }

  start(): void {
    this.#service = new Service(['run', '--config', this.#configFile], { env: this.#env });
    this.#heard = 0;
    this.#collecting = false;
    this.#asked = 'up';
    this.counts.started++;
  }

  /** SIGTERM; does not wait. */
  beginStop(): void {
    this.#service?.signal('SIGTERM');
    this.#asked = 'stopping';
    this.counts.stopped++;
  }

  /** Waits for the end of what was asked to stop. */
  async stopped(): Promise<void> {
    const service = this.#service;
    if (service === undefined) return;
    const { code, signal } = await service.ended;
    this.#hear(service);
    // One that was told to before it could hear ends at once, and has nothing to end in order.
    const early = signal === 'SIGTERM' && !this.#collecting;
    if (this.#asked === 'stopping' && code !== 0 && !early) {
      this.misdeeds.push(`told to stop, it ended with ${signal ?? code}: ${service.lastWords()}`);
    }
    this.#ended(service);
  }

  /** kill -9 */
  async kill(): Promise<void> {
    const service = this.#service;
    if (service === undefined) return;
    this.#lookForAnEnd(service);
    await service.kill();
    this.counts.killed++;
    this.#ended(service);
  }

  /** `catch-up` instead of the service, which must not run. */
  beginCatchUp(): void {
    this.#catchUp = this.command('catch-up');
    this.#heard = 0;
    this.counts.caughtUp++;
  }

  /** Ends it with kill -9, if it still runs. */
  async endCatchUp(): Promise<void> {
    const catchUp = this.#catchUp;
    if (catchUp === undefined) return;
    const { code } = await catchUp.kill();
    this.#hear(catchUp);
    this.#catchUp = undefined;
    if (code === ExitCode.failure) this.misdeeds.push(`a catch-up failed: ${catchUp.lastWords()}`);
    appendFileSync(this.#logFile, catchUp.stderr);
  }

  /** Starts another service on the same state directory, which must find it locked. */
  async startAnother(): Promise<void> {
    const another = this.command('run');
    const { code } = await another.ended;
    if (code === ExitCode.locked) this.counts.shutOut++;
    else this.misdeeds.push(`beside another one, it ended with ${code}: ${another.lastWords()}`);
  }

  /** Takes note of what it said since the last look, and whether it is still there. */
  look(): void {
    if (this.#catchUp !== undefined) this.#hear(this.#catchUp);
    if (this.#service === undefined) return;
    this.#hear(this.#service);
    this.#lookForAnEnd(this.#service);
  }

  #hear({ records }: Program): void {
    for (const record of records.slice(this.#heard)) {
      if (record.message.startsWith('collecting')) this.#collecting = true;
      const { reason, id, container } = record;
      if (typeof reason === 'string' && typeof id === 'string' && record.message.startsWith('a container')) {
        this.named.push({ id, container: String(container), reason, heardAt: performance.now() });
      }
    }
    this.#heard = records.length;
  }

  /** The service, once its status page can be asked. */
  async listening(): Promise<Service> {
    if (this.#service === undefined) throw new Error('the collector was not started');
    return await this.#service.listening();
  }

  /** Containers with a cursor, by their ids: all that the next process will know of. */
  cursors(): Set<string> {
    const folder = join(this.stateDir, 'cursors');
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return new Set(names.map(idOfFile).filter((id) => id !== undefined));
  }

  /** Whether the cursor of a container names an entry of its log; in an empty log there is none. */
  hasPlace(id: string): boolean {
    const path = join(this.stateDir, 'cursors', cursorFile(id));
    return existsSync(path) && decodeCursor(readFileSync(path)).anchor.length > 0;
  }

  /** What the cursor of a container tells of it. */
  cursorOf(id: string): Standing['cursor'] {
    const path = join(this.stateDir, 'cursors', cursorFile(id));
    if (!existsSync(path)) return undefined;
    return decodeCursor(readFileSync(path)).complete === true ? 'complete' : 'open';
  }

  /** Another command on the same settings. */
  command(name: string, ...more: readonly string[]): Program {
    return new Program([name, '--config', this.#configFile, ...more], { env: this.#env });
  }

  get #env(): Record<string, string> {
    return { NODE_OPTIONS: `--import ${CLOCK_MODULE}`, CHAOS_CLOCK_FILE: this.#clockFile };
  }

  #ended(service: Service): void {
    this.#asked = 'down';
    this.look();
    if (this.#service !== service) return;
    this.#service = undefined;
    appendFileSync(this.#logFile, service.stderr);
    this.#collecting = false;
  }

  #lookForAnEnd(service: Service): void {
    if (this.#asked !== 'up' || service.running) return;
    if (this.#lost === service) return;
    this.#lost = service;
    this.misdeeds.push(`it ended by itself: ${service.lastWords()}`);
  }
}
