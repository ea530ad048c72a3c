import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonProcess } from './daemon-process.js';
import { EngineFolder } from './engine-folder.js';
import { RunningEngine } from './running-engine.js';
import { searchPath } from './versions.js';
import type { EngineVersion } from './versions.js';

export interface EngineOptions {
  readonly version: EngineVersion;
  /** More flags for dockerd, such as `--live-restore` or `--log-driver=local`. */
  readonly flags?: readonly string[];
  /** More environment for dockerd, such as TZ. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the engine's folder is made (default: the machine's temporary folder). */
  readonly base?: string;
}

/** No bridge, no firewall, no forwarding: engines run side by side and leave the machine's network alone. */
const NO_NETWORK = [
  '--bridge=none',
  '--iptables=false',
  '--ip6tables=false',
  '--ip-forward=false',
  '--ip-masq=false',
];
const START_DEADLINE_MS = 90_000;

/**
 * Starts a real Docker Engine of its own: dockerd and containerd in a fresh folder, reachable only by a unix
 * socket there. Any number may run at once. Needs root and the install step (.ci/install-engines.sh).
 *
 * @throws Error with the daemon's last words when it does not come up
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const path = searchPath(options.version);
  const folder = new EngineFolder(options.base);
  const engine = new Engine(options, path, folder);
  try {
    await engine.start();
  } catch (error) {
    await engine.stop();
    throw error;
  }
  return engine;
}

/** An Engine that belongs to a test, which may halt, kill and restart it. */
export class Engine extends RunningEngine {
  readonly #flags: readonly string[];
  readonly #folder: EngineFolder;
  readonly #env: NodeJS.ProcessEnv;
  #containerd: DaemonProcess | undefined;
  #dockerd: DaemonProcess | undefined;

  /** Use startEngine. */
  constructor(options: EngineOptions, path: string, folder: EngineFolder) {
    super({
      suite: options.version,
      socketPath: folder.file('docker.sock'),
      dataRoot: folder.file('data'),
      version: '',
      apiVersion: '',
      minApiVersion: '',
    });
    this.#flags = options.flags ?? [];
    this.#folder = folder;
    this.#env = {
      PATH: path,
      HOME: folder.file('home'),
      TMPDIR: folder.path,
      LANG: 'C.UTF-8',
      ...options.env,
    };
  }

  /** Of dockerd. Another one after a restart. */
  get pid(): number {
    return this.#running().pid;
  }

  /**
   * Seconds of processor time that dockerd and its containerd have used since they started (dockerd's begins
   * anew with a restart). Not in it: the shims, of which each container has one.
   */
  cpuSeconds(): number {
    return (this.#dockerd?.cpuSeconds() ?? 0) + (this.#containerd?.cpuSeconds() ?? 0);
  }

  /** Starts the daemon again after halt() or kill(), with the same data; returns when it answers. */
  async start(): Promise<void> {
    if (this.#dockerd && !this.#dockerd.exited) throw new Error('the engine is running');
    if (!this.#containerd || this.#containerd.exited) await this.#startContainerd();
    this.#dockerd = new DaemonProcess(
      'dockerd',
      this.#dockerdArguments(),
      this.#env,
      this.#folder.file('log'),
    );
    this.setVersion(await this.#untilItAnswers(this.#dockerd));
  }

  /** Ends the daemon as an operator does (SIGTERM): it stops its containers first. The data stays. */
  async halt(): Promise<void> {
    await this.#running().end('SIGTERM');
  }

  /** Halts and starts again. */
  async restart(): Promise<void> {
    await this.halt();
    await this.start();
  }

  /** kill -9 of the daemon: its containers go on running until it is started again. The data stays. */
  async kill(): Promise<void> {
    await this.#running().end('SIGKILL');
  }

  /** Ends everything, containers included, and deletes the engine's folder. Harmless when called again. */
  async stop(): Promise<void> {
    if (this.#dockerd && !this.#dockerd.exited) {
      // Killed beforehand: a shell as a container's first process ignores SIGTERM, which costs its whole grace.
      await this.#killContainers();
      await this.#dockerd.end('SIGTERM', 20_000);
    }
    await this.#containerd?.end('SIGTERM', 10_000);
    await this.#folder.remove();
  }

  /** The end of the daemon's own log. */
  daemonLog(): string {
    return this.#running().logTail();
  }

  #running(): DaemonProcess {
    if (!this.#dockerd) throw new Error('the engine was never started');
    return this.#dockerd;
  }

  /**
   * A containerd of its own, named to dockerd. Left alone, dockerd would take a containerd of the machine if it
   * finds one (moby: cmd/dockerd/daemon_unix.go), of another version and shared with the other engines.
   */
  async #startContainerd(): Promise<void> {
    const config = this.#folder.file('containerd', 'config.toml');
    writeFileSync(
      config,
      `version = 2
root = "${this.#folder.file('containerd', 'root')}"
state = "${this.#folder.file('containerd', 'state')}"
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri",
]
[grpc]
  address = "${this.#containerdSocket()}"
`,
    );
    this.#containerd = new DaemonProcess(
      'containerd',
      ['--config', config, '--log-level', 'warn'],
      this.#env,
      this.#folder.file('containerd', 'log'),
    );
    const deadline = performance.now() + START_DEADLINE_MS;
    while (!existsSync(this.#containerdSocket())) {
      if (this.#containerd.exited || performance.now() > deadline) {
        throw new Error(`containerd of "${this.suite}" did not start:\n${this.#containerd.logTail()}`);
      }
      await delay(20);
    }
  }

  #containerdSocket(): string {
    return this.#folder.file('containerd', 'sock');
  }

  #dockerdArguments(): string[] {
    // A file of its own, since dockerd would otherwise take the machine's /etc/docker/daemon.json.
    const config = this.#folder.file('daemon.json');
    writeFileSync(config, '{}');
    return [
      ...['--config-file', config],
      ...['--data-root', this.dataRoot],
      ...['--exec-root', this.#folder.file('exec')],
      ...['--host', `unix://${this.socketPath}`],
      ...['--pidfile', this.#folder.file('pid')],
      ...['--containerd', this.#containerdSocket()],
      ...NO_NETWORK,
      ...this.#flags,
    ];
  }

  /** @returns what it says of its version */
  async #untilItAnswers(dockerd: DaemonProcess): Promise<Record<string, string>> {
    const deadline = performance.now() + START_DEADLINE_MS;
    for (;;) {
      if (dockerd.exited || performance.now() > deadline) {
        throw new Error(`dockerd of "${this.suite}" did not start:\n${dockerd.logTail()}`);
      }
      try {
        const signal = AbortSignal.timeout(5_000);
        const answer = await this.api.send('GET', '/_ping', { signal });
        if (answer.status === 200) {
          return (await this.api.json('GET', '/version', { signal })) as Record<string, string>;
        }
      } catch {
        // Not listening yet.
      }
      await delay(50);
    }
  }

  async #killContainers(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(20_000);
      const running = (await this.api.json('GET', '/containers/json', { signal })) as { Id: string }[];
      await Promise.all(running.map(({ Id }) => this.api.send('POST', `/containers/${Id}/kill`, { signal })));
    } catch {
      // A daemon that does not answer is ended all the same, and the watchman kills what it leaves.
    }
  }
}
