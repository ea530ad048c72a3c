import { uncompressSync } from 'snappy';
import type { EncodedPush } from '../../src/loki/encode.js';
import type { LokiAnswer, LokiTransport } from '../../src/loki/transport.js';
import { decoded, type PushLine } from './push-lines.js';

/** A push as it came to a scripted Loki. */
export interface Asked {
  /** 0 for the first. */
  readonly number: number;
  readonly lines: readonly PushLine[];
  /** Uncompressed. */
  readonly bytes: number;
  readonly body: Buffer;
  readonly tenant: string | undefined;
  readonly signal: AbortSignal;
}

/** A status, an answer, or what is thrown instead of one. */
export type Reaction = number | Partial<LokiAnswer> | Error | Promise<LokiAnswer>;

/** A Loki that does to each push (protobuf) what a test says. */
export class ScriptedTransport implements LokiTransport {
  readonly asked: Asked[] = [];
  react: (asked: Asked) => Reaction;
  /** Under way at once, at most. */
  mostAtOnce = 0;
  #underWay = 0;

  constructor(react: (asked: Asked) => Reaction) {
    this.react = react;
  }

  async push(push: EncodedPush, tenant: string | undefined, signal: AbortSignal): Promise<LokiAnswer> {
    signal.throwIfAborted();
    const request = uncompressSync(push.body, { asBuffer: true }) as Buffer;
    const number = this.asked.length;
    const { lines } = decoded(request);
    const asked = { number, lines, bytes: request.length, body: push.body, tenant, signal };
    this.asked.push(asked);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    try {
      // No answer comes in the turn that it was asked for in.
      await new Promise((resolve) => setImmediate(resolve));
      const reaction = this.react(asked);
      if (reaction instanceof Error) throw reaction;
      if (reaction instanceof Promise) return await reaction;
      const given = typeof reaction === 'number' ? { status: reaction } : reaction;
      return { status: 204, body: '', contentType: 'text/plain', ...given };
    } finally {
      this.#underWay--;
    }
  }

  /** It cannot be read, as behind a gateway for pushes alone. */
  get(): Promise<LokiAnswer> {
    return Promise.resolve({ status: 404, body: '404 page not found', contentType: 'text/plain' });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Never answers; ends with the signal's reason. */
export function silence(signal: AbortSignal): Promise<LokiAnswer> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
