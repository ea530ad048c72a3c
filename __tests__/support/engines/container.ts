import { join } from 'node:path';
import { ApiError } from './api.js';
import type { ApiAnswer } from './api.js';
import { BUSYBOX_IMAGE } from './busybox-image.js';
import type { RunningEngine } from './running-engine.js';
import { readFrames } from './frames.js';

export interface ContainerOptions {
  /** A script for `sh -c`, or a program and its arguments. */
  readonly cmd: string | readonly string[];
  readonly name?: string;
  readonly tty?: boolean;
  readonly logDriver?: string;
  readonly logOptions?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** As `docker run --rm`. */
  readonly autoRemove?: boolean;
  /** Whole seconds between SIGTERM and SIGKILL; 1 unless said otherwise, since `sh` ignores SIGTERM. */
  readonly stopTimeout?: number;
}

/** Makes and starts a container, without network. The image must be there: importBusybox. */
export async function runContainer(engine: RunningEngine, options: ContainerOptions): Promise<TestContainer> {
  const container = await createContainer(engine, options);
  await container.start();
  return container;
}

/** Runs a container to its end; for logs that are to be complete when the test begins. */
export async function runToEnd(engine: RunningEngine, options: ContainerOptions): Promise<TestContainer> {
  const container = await runContainer(engine, options);
  await container.wait();
  return container;
}

/** Makes a container without starting it. */
export async function createContainer(
  engine: RunningEngine,
  options: ContainerOptions,
): Promise<TestContainer> {
  const query = options.name === undefined ? '' : `?name=${encodeURIComponent(options.name)}`;
  const body = {
    Image: BUSYBOX_IMAGE,
    Cmd: typeof options.cmd === 'string' ? ['/bin/sh', '-c', options.cmd] : options.cmd,
    Tty: options.tty ?? false,
    Labels: options.labels ?? {},
    Env: Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`),
    StopTimeout: options.stopTimeout ?? 1,
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      AutoRemove: options.autoRemove ?? false,
      LogConfig: { Type: options.logDriver ?? 'json-file', Config: options.logOptions ?? {} },
    },
  };
  const { Id } = (await engine.api.json('POST', `/containers/create${query}`, { body })) as { Id: string };
  return new TestContainer(engine, Id);
}

/** A container of a test engine. Every method but logs() throws ApiError when the Engine refuses. */
export class TestContainer {
  readonly id: string;
  readonly #engine: RunningEngine;

  constructor(engine: RunningEngine, id: string) {
    this.#engine = engine;
    this.id = id;
  }

  async start(): Promise<void> {
    await this.#post('start');
  }

  async stop(): Promise<void> {
    await this.#post('stop');
  }

  async restart(): Promise<void> {
    await this.#post('restart');
  }

  async kill(signal = 'SIGKILL'): Promise<void> {
    await this.#post(`kill?signal=${signal}`);
  }

  async pause(): Promise<void> {
    await this.#post('pause');
  }

  async unpause(): Promise<void> {
    await this.#post('unpause');
  }

  async rename(name: string): Promise<void> {
    await this.#post(`rename?name=${encodeURIComponent(name)}`);
  }

  /** Removes it with its log, running or not. */
  async remove(): Promise<void> {
    await this.#engine.api.json('DELETE', `/containers/${this.id}?force=1&v=1`);
  }

  /** Waits for its end; returns the exit code. Of a container that is gone already (autoRemove): ApiError 404. */
  async wait(condition: 'not-running' | 'next-exit' | 'removed' = 'not-running'): Promise<number> {
    const answer = await this.#post(`wait?condition=${condition}`);
    return (answer as { StatusCode: number }).StatusCode;
  }

  /** Runs a program in the running container; its output does not go to the container's log. */
  async exec(cmd: string | readonly string[]): Promise<{ exitCode: number; output: string }> {
    const { api } = this.#engine;
    const body = {
      Cmd: typeof cmd === 'string' ? ['/bin/sh', '-c', cmd] : cmd,
      AttachStdout: true,
      AttachStderr: true,
    };
    const { Id } = (await this.#post('exec', body)) as { Id: string };
    const path = `/exec/${Id}/start`;
    const answer = await api.send('POST', path, { body: { Detach: false, Tty: false } });
    if (answer.status >= 400) throw new ApiError('POST', path, answer);
    const { ExitCode } = (await api.json('GET', `/exec/${Id}/json`)) as { ExitCode: number };
    const output = readFrames(answer.body).map((frame) => frame.payload.toString('utf8'));
    return { exitCode: ExitCode, output: output.join('') };
  }

  /** What `docker inspect` shows. */
  async inspect(): Promise<Record<string, unknown>> {
    return (await this.#engine.api.json('GET', `/containers/${this.id}/json`)) as Record<string, unknown>;
  }

  /** The Engine's answer, whatever its status. Timestamps and both streams unless the query says otherwise. */
  async logs(query: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
    const search = new URLSearchParams({ stdout: '1', stderr: '1', timestamps: '1', ...query });
    return await this.#engine.api.send('GET', `/containers/${this.id}/logs?${search.toString()}`);
  }

  /** The file that the json-file driver writes, whether it is there yet or not. */
  logPath(): string {
    return join(this.#engine.dataRoot, 'containers', this.id, `${this.id}-json.log`);
  }

  async #post(action: string, body?: unknown): Promise<unknown> {
    const options = body === undefined ? {} : { body };
    return await this.#engine.api.json('POST', `/containers/${this.id}/${action}`, options);
  }
}
