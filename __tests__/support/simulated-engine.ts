import { request, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import {
  seededRandom,
  startEngineSimulator,
  type EngineSimulator,
  type EngineSimulatorOptions,
} from '../../src/simulators/engine/index.js';
import { withFolder } from './test-folder.js';

/** Runs with a simulated Engine on a socket in a folder of its own; both are gone afterwards. */
export async function withEngine(
  options: Omit<EngineSimulatorOptions, 'socketPath'>,
  use: (engine: EngineSimulator, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder('engine', async (folder) => {
    const engine = await startEngineSimulator({
      random: seededRandom(1),
      ...options,
      socketPath: join(folder, 'docker.sock'),
    });
    try {
      await use(engine, folder);
    } finally {
      await engine.close();
    }
  });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Each `data` event of the body; small chunks come one by one. */
  readonly pieces: readonly Buffer[];
  /** `end`: as the protocol says. `broken`: the connection went away. `stopped`: by us. */
  readonly ending: 'end' | 'broken' | 'stopped';
}

export interface AskOptions {
  readonly method?: string;
  /** Leaves as soon as this holds for what came so far. */
  readonly until?: (body: Buffer) => boolean;
  readonly signal?: AbortSignal;
}

/** One request on a connection of its own. Resolves however it ends; status 0: nothing was answered. */
export async function ask(socketPath: string, path: string, options: AskOptions = {}): Promise<RawAnswer> {
  return await new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let status = 0;
    let headers: IncomingHttpHeaders = {};
    const settle = (ending: RawAnswer['ending']): void => {
      resolve({ status, headers, body: Buffer.concat(pieces), pieces, ending });
    };
    const stop = (): void => {
      settle('stopped');
      sent.destroy();
    };
    const sent = request({ socketPath, path, method: options.method ?? 'GET', agent: false }, (answer) => {
      status = answer.statusCode ?? 0;
      headers = answer.headers;
      answer.on('data', (piece: Buffer) => {
        pieces.push(piece);
        if (options.until?.(Buffer.concat(pieces))) stop();
      });
      answer.on('end', () => settle('end'));
      answer.on('error', () => settle('broken'));
      if (options.until?.(Buffer.alloc(0))) stop();
    });
    sent.on('error', () => settle('broken'));
    options.signal?.addEventListener('abort', stop);
    sent.end();
  });
}

/** A JSON answer. */
export async function askJson(socketPath: string, path: string): Promise<unknown> {
  return JSON.parse((await ask(socketPath, path)).body.toString('utf8')) as unknown;
}

/** A clock that tests set; sleeping takes no time, and moves it on. */
export class SteppedClock {
  #ns: bigint;

  constructor(ns = 1_700_000_000_000_000_000n) {
    this.#ns = ns;
  }

  now = (): bigint => this.#ns;
  monotonic = (): number => Number(this.#ns / 1_000_000n);
  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    this.advance(BigInt(Math.ceil(ms * 1_000_000)));
  };

  /** @param ns may be negative */
  advance(ns: bigint): void {
    this.#ns += ns;
  }
}
