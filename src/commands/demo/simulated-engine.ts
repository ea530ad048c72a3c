import { request, type IncomingMessage } from 'node:http';
import type { Clock } from '../../model/clock.js';
import type { WrittenLineJson } from '../../simulators/engine/written-json.js';

/** What the simulated Engine knows of its clients, without the one that asks. */
export interface EngineView {
  /** Connections that are open. */
  readonly open: number;
  /** The most that were open at once. */
  readonly peak: number;
  readonly requests: number;
  /** Requests that no collector may send: that follow, or that change anything. */
  readonly violations: readonly string[];
}

const CLOSING_MS = 10_000;
const LOOK_AGAIN_MS = 50;
const NEWLINE = 0x0a;

/** A simulated Engine in another process, asked for what a real one does not tell. */
export class SimulatedEngine {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Every line that was ever written, as the Engine itself has it; container by container. */
  async *written(): AsyncGenerator<WrittenLineJson> {
    const answer = await this.#ask('/_simulator/written');
    for await (const line of linesOf(answer)) yield JSON.parse(line) as WrittenLineJson;
    // An answer that was cut short would look like fewer lines.
    if (!answer.complete) throw new Error('the simulated Engine broke off its account of the written lines');
  }

  /** All containers end; when it resolves, nothing more is written. */
  async finish(): Promise<void> {
    await textOf(await this.#ask('/_simulator/finish'));
  }

  async view(): Promise<EngineView> {
    const { connections, requests, violations } = JSON.parse(
      await textOf(await this.#ask('/_simulator/state')),
    ) as {
      connections: { open: number; peak: number };
      requests: number;
      violations: string[];
    };
    // The question itself comes over one.
    return { open: connections.open - 1, peak: connections.peak, requests, violations };
  }

  /** The same, once what is just being closed is closed: on a busy machine that may take a while. */
  async settledView(clock: Clock): Promise<EngineView> {
    const until = clock.monotonic() + CLOSING_MS;
    for (;;) {
      const view = await this.view();
      if (view.open === 0 || clock.monotonic() > until) return view;
      await clock.sleep(LOOK_AGAIN_MS);
    }
  }

  async #ask(path: string): Promise<IncomingMessage> {
    return await new Promise((resolve, reject) => {
      request({ socketPath: this.#socketPath, path, agent: false }, resolve).once('error', reject).end();
    });
  }
}

/** Not by readline, which also ends a line at U+2028. */
async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of answer as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let from = 0;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, from)) {
      yield rest.toString('utf8', from, end);
      from = end + 1;
    }
    rest = rest.subarray(from);
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}
