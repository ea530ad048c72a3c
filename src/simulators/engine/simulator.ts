import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Random } from '../../model/clock.js';
import { systemClock } from '../../model/system-clock.js';
import { writeBody } from './body-writer.js';
import type { ContainerOptions, SimulatedContainer } from './container.js';
import { Daemon } from './daemon.js';
import type { Fault, FaultTarget } from './faults.js';
import { ENGINE_PROFILES, type EngineProfile, type EngineProfileName } from './profile.js';
import type { RequestLog } from './request-log.js';
import { answer } from './router.js';
import type { WrittenLine } from './written-lines.js';

export interface EngineSimulatorOptions {
  /** Where the unix socket is made; must not exist. */
  readonly socketPath: string;
  /** Default 28.5. */
  readonly profile?: EngineProfileName | EngineProfile;
  readonly clock?: Clock;
  readonly random?: Random;
  /** The daemon's zone, in minutes east of Greenwich (default 120: seen only where a version shows it). */
  readonly zoneOffset?: number;
  /** Answers paths that begin with `/_simulator`. */
  readonly control?: (path: string) => Iterable<Buffer> | undefined;
}

export interface ConnectionCounts {
  readonly open: number;
  readonly peak: number;
  readonly total: number;
}

/**
 * Starts a Docker Engine that has no containers but simulated ones, on a unix socket. It answers what a
 * collector of logs asks (ping, version, list, inspect, logs, events), as the versions of the Engine do.
 *
 * @throws Error of node:net when the socket cannot be made
 */
export async function startEngineSimulator(options: EngineSimulatorOptions): Promise<EngineSimulator> {
  const simulator = new EngineSimulator(options);
  await simulator.startDaemon();
  return simulator;
}

export class EngineSimulator {
  readonly socketPath: string;
  readonly #daemon: Daemon;
  readonly #control: EngineSimulatorOptions['control'];
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #peak = 0;
  #connections = 0;
  #failure: unknown;

  /** Use startEngineSimulator. */
  constructor(options: EngineSimulatorOptions) {
    const { profile = '28.5' } = options;
    this.socketPath = options.socketPath;
    this.#control = options.control;
    this.#daemon = new Daemon({
      profile: typeof profile === 'string' ? ENGINE_PROFILES[profile] : profile,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      zoneOffset: options.zoneOffset ?? 120,
    });
  }

  get profile(): EngineProfile {
    return this.#daemon.profile;
  }

  /** What was asked, and what must not have been. */
  get requests(): RequestLog {
    return this.#daemon.requests;
  }

  /** All containers there are, youngest first. */
  get containers(): readonly SimulatedContainer[] {
    return this.#daemon.containers.list();
  }

  /** How often a fault struck. */
  get faultsStruck(): number {
    return this.#daemon.faults.struck;
  }

  /** @throws Error when the name is taken */
  addContainer(options: ContainerOptions): SimulatedContainer {
    return this.#daemon.addContainer(options);
  }

  /** By id, by name, or by the beginning of an id. */
  find(idOrName: string): SimulatedContainer | undefined {
    const found = this.#daemon.containers.find(idOrName);
    return typeof found === 'object' ? found : undefined;
  }

  /** Lays a fault on requests to come. Returns how to lift it. */
  fault(target: FaultTarget, fault: Fault): () => void {
    return this.#daemon.faults.lay(target, fault);
  }

  clearFaults(): void {
    this.#daemon.faults.clear();
  }

  /** An event of another kind than a container's, as pulls and networks give; they crowd the ring. */
  publishEvent(type: string, action: string, actorId = 'simulated'): void {
    this.#daemon.publish({ type, action, actorId, attributes: { name: actorId } });
  }

  connections(): ConnectionCounts {
    return { open: this.#sockets.size, peak: this.#peak, total: this.#connections };
  }

  /** Every line that any container ever wrote, also removed ones; in order for each container. */
  *written(): Generator<WrittenLine & { readonly gone: boolean; readonly tty: boolean }> {
    for (const container of this.#daemon.everyContainer) {
      const oldest = container.removed ? Infinity : container.log.firstSequence;
      for (const line of container.written) yield { ...line, gone: line.first < oldest, tty: container.tty };
    }
  }

  /** The daemon is there: the socket answers. */
  async startDaemon(): Promise<void> {
    if (this.#server !== undefined) throw new Error('the daemon runs already');
    // As the daemon: no idle time-out, and all the time for a client that does not read.
    const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      this.#connections++;
      this.#peak = Math.max(this.#peak, this.#sockets.size);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      const control = request.url?.startsWith('/_simulator') ? this.#control?.(request.url) : undefined;
      const answered =
        control === undefined
          ? answer(this.#daemon, request, response)
          : sendControl(response, control, this.#daemon.clock);
      answered.catch((error: unknown) => {
        this.#failure ??= error;
        response.destroy();
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.socketPath, () => {
        server.off('error', reject);
        resolve();
      });
    });
    this.#server = server;
  }

  /** The daemon is gone: every connection breaks, and the socket with it. */
  async stopDaemon(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /**
   * Restarts the daemon: the ring of events is empty, logs are opened anew, and every connection is broken.
   *
   * @param options.liveRestore containers run on (default); else they end, and start again after it
   */
  async restartDaemon(options: { readonly liveRestore?: boolean } = {}): Promise<void> {
    const ended = this.containers.filter((container) => container.running && options.liveRestore === false);
    for (const container of ended) container.kill();
    await this.stopDaemon();
    this.#daemon.events.clear();
    for (const container of this.containers) if (container.running) container.log.reopen();
    await this.startDaemon();
    for (const container of ended) container.start();
  }

  /** Ends everything. @throws what went wrong inside the simulator itself, if anything */
  async close(): Promise<void> {
    await this.stopDaemon();
    if (this.#failure !== undefined) throw this.#failure as Error;
  }
}

async function sendControl(response: ServerResponse, lines: Iterable<Buffer>, clock: Clock): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort()).on('error', () => gone.abort());
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  await writeBody(response, { writes: lines, ending: 'end' }, clock, gone.signal);
}
