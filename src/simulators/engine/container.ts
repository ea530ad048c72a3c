import type { StreamName } from '../../model/container.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import { EngineLog, type LogFormat } from './engine-log.js';
import type { EngineEvent } from './event-ring.js';
import type { RotationOptions } from './log-files.js';
import type { EngineProfile } from './profile.js';
import { WrittenLines } from './written-lines.js';

export interface ContainerOptions {
  /** Default: 64 random hexadecimal digits. */
  readonly id?: string;
  /** Without the slash. */
  readonly name: string;
  readonly image?: string;
  readonly tty?: boolean;
  /** Default json-file. A driver that cannot be read is read through the cache; `none` cannot be read at all. */
  readonly driver?: string;
  /** `cache-disabled`: no cache in front of a driver that cannot be read. */
  readonly cacheDisabled?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** `max-size`, `max-file`, `compress`. */
  readonly rotation?: Partial<RotationOptions>;
  /** Default true. */
  readonly started?: boolean;
  /** Keeps account of every line written; default true. */
  readonly recordsLines?: boolean;
}

export type ContainerState = 'created' | 'running' | 'paused' | 'exited' | 'removing' | 'dead';

/** What a container needs of the daemon it lives in. */
export interface ContainerHost {
  readonly profile: EngineProfile;
  /** The daemon's clock; two readings are never equal by its coarseness. */
  now(): Nanoseconds;
  publish(event: Omit<EngineEvent, 'timeNs'>): void;
  /** @throws Error when the name is taken */
  rename(container: SimulatedContainer, name: string): void;
  forget(container: SimulatedContainer): void;
}

/** A container: its life, as events and inspect tell it, and its log. */
export class SimulatedContainer {
  readonly id: string;
  readonly image: string;
  readonly tty: boolean;
  readonly driver: string;
  /** Of `max-size` and its like those that a reader may look at. */
  readonly logOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdNs: Nanoseconds;
  readonly log: EngineLog;
  readonly #host: ContainerHost;
  readonly #written: WrittenLines | undefined;
  readonly #readable: boolean;
  #name: string;
  #state: ContainerState = 'created';
  #startedNs: Nanoseconds | undefined;
  #finishedNs: Nanoseconds | undefined;
  #exitCode = 0;
  #restarts = 0;
  #removed = false;
  /** Those that all events of this name share: labels may be many. */
  #attributes: Record<string, string> | undefined;

  constructor(options: ContainerOptions & { readonly id: string }, host: ContainerHost) {
    this.id = options.id;
    this.#name = options.name;
    this.image = options.image ?? 'busybox:latest';
    this.tty = options.tty ?? false;
    this.driver = options.driver ?? 'json-file';
    const { compress, maxFiles, maxSize } = options.rotation ?? {};
    this.logOptions = {
      ...(compress === undefined ? {} : { compress: String(compress) }),
      ...(maxFiles === undefined ? {} : { 'max-file': String(maxFiles) }),
      // A number of entries is no option of the Engine's.
      ...(maxSize !== undefined && 'bytes' in maxSize ? { 'max-size': String(maxSize.bytes) } : {}),
    };
    this.labels = options.labels ?? {};
    this.#host = host;
    this.createdNs = host.now();
    const written = options.recordsLines === false ? undefined : new WrittenLines(this.id, () => this.#name);
    this.#written = written;
    const format = formatOf(this.driver);
    this.#readable = this.driver !== 'none' && (format !== 'cache' || options.cacheDisabled !== true);
    this.log = new EngineLog({
      ...options.rotation,
      format,
      tty: this.tty,
      profile: host.profile,
      ...(written ? { onEntry: (entry, sequence) => written.entry(entry, sequence) } : {}),
    });
    this.#publish('create');
    if (options.started !== false) this.start();
  }

  get name(): string {
    return this.#name;
  }
  get state(): ContainerState {
    return this.#state;
  }
  get running(): boolean {
    return this.#state === 'running' || this.#state === 'paused';
  }
  /** False: logs are answered with 501 (moby: daemon/logs.go, ErrReadLogsNotSupported). */
  get readable(): boolean {
    return this.#readable;
  }
  get startedNs(): Nanoseconds | undefined {
    return this.#startedNs;
  }
  get finishedNs(): Nanoseconds | undefined {
    return this.#finishedNs;
  }
  get exitCode(): number {
    return this.#exitCode;
  }
  get restarts(): number {
    return this.#restarts;
  }
  get removed(): boolean {
    return this.#removed;
  }
  /** The account of all lines written; empty when it is not kept. */
  get written(): WrittenLines['lines'] {
    return this.#written?.lines ?? [];
  }

  /** Starts it, again or for the first time; the log goes on. @throws Error when it runs already */
  start(): void {
    if (this.running || this.#removed) throw new Error(`container ${this.#name} cannot be started`);
    this.log.reopen();
    this.#state = 'running';
    this.#startedNs = this.#host.now();
    this.#publish('start');
  }

  /** Writes a line; its newline is added. @param stampNs default: now */
  writeLine(stream: StreamName, text: Buffer | string, stampNs?: Nanoseconds): void {
    this.#mustRun();
    this.log.writeLine(stream, text, stampNs ?? this.#host.now());
  }

  /** Writes bytes as they are: a part of a line, or several lines. */
  writeChunk(stream: StreamName, bytes: Buffer | string, stampNs?: Nanoseconds): void {
    this.#mustRun();
    this.log.write(stream, bytes, stampNs ?? this.#host.now());
  }

  /** The process ends by itself. Its last words without newline are logged first. */
  die(exitCode = 0): void {
    this.#mustRun();
    const now = this.#host.now();
    this.log.endStreams(now);
    this.#written?.endStreams();
    this.log.close();
    this.#state = 'exited';
    this.#exitCode = exitCode;
    this.#finishedNs = this.#host.now();
    const seconds = (this.#finishedNs - (this.#startedNs ?? this.#finishedNs)) / 1_000_000_000n;
    // moby: daemon/monitor.go, handleContainerExit
    this.#publish('die', { exitCode: String(exitCode), execDuration: String(seconds) });
  }

  /** As `docker stop`: SIGTERM obeyed. */
  stop(): void {
    this.#publish('kill', { signal: '15' });
    this.die(143);
    this.#publish('stop');
  }

  /** As `docker restart`. */
  restart(): void {
    if (this.running) this.stop();
    this.#restarts++;
    this.start();
    this.#publish('restart');
  }

  pause(): void {
    this.#mustRun();
    this.#state = 'paused';
    this.#publish('pause');
  }

  unpause(): void {
    if (this.#state !== 'paused') throw new Error(`container ${this.#name} is not paused`);
    this.#state = 'running';
    this.#publish('unpause');
  }

  /** As `docker rename`: the id and the log stay. @throws Error when the name is taken */
  rename(name: string): void {
    const oldName = `/${this.#name}`;
    this.#host.rename(this, name);
    this.#name = name;
    // moby: daemon/rename.go
    this.#publish('rename', { oldName });
  }

  /** A removal that takes its time, or failed: logs answer 409 until remove() (moby: daemon/logs.go). */
  beginRemoval(state: 'removing' | 'dead' = 'removing'): void {
    if (this.running) this.kill();
    this.#state = state;
  }

  /** As `docker rm -f`. */
  remove(): void {
    if (this.#removed) throw new Error(`container ${this.#name} is removed already`);
    if (this.running) this.kill();
    this.#removed = true;
    this.#host.forget(this);
    this.#publish('destroy');
  }

  /** SIGKILL. */
  kill(): void {
    this.#publish('kill', { signal: '9' });
    this.die(137);
  }

  /** A command is run inside, as health checks do: three events, which crowd the ring. */
  exec(command = '/bin/sh -c true'): void {
    this.#mustRun();
    this.#publish(`exec_create: ${command}`);
    this.#publish(`exec_start: ${command}`);
    this.#publish('exec_die', { exitCode: '0' });
  }

  #mustRun(): void {
    if (!this.running) throw new Error(`container ${this.#name} is not running`);
  }

  /**
   * moby: daemon/events.go, LogContainerEventWithAttributes. All is in one flat map: the attributes of the event are
   * overwritten by labels of the same name, and these by the image, if there is one, and the name.
   */
  #publish(action: string, more?: Readonly<Record<string, string>>): void {
    if (this.#attributes?.['name'] !== this.#name) {
      const image = this.image === '' ? {} : { image: this.image };
      this.#attributes = { ...this.labels, ...image, name: this.#name };
    }
    const attributes = more === undefined ? this.#attributes : { ...more, ...this.#attributes };
    this.#host.publish({ type: 'container', action, actorId: this.id, attributes });
  }
}

function formatOf(driver: string): LogFormat {
  return driver === 'json-file' || driver === 'local' || driver === 'journald' ? driver : 'cache';
}
