import type { Random } from '../../model/clock.js';
import type { StreamName } from '../../model/container.js';
import type { SimulatedContainer } from './container.js';
import { CHUNK_BYTES } from './entry.js';

/** How a container of the workload behaves. */
export type ChattyKind = 'plain' | 'tty' | 'rotating' | 'bursting' | 'partial' | 'mortal' | 'local';

export const CHATTY_KINDS: readonly ChattyKind[] = [
  'plain',
  'tty',
  'rotating',
  'bursting',
  'partial',
  'mortal',
  'local',
];

const WORDS =
  'request served in cache miss retry user order payment timeout queue worker ready über 漢字 ok'.split(' ');

/** The chance of a line of several chunks. */
const LONG_LINES: Readonly<Record<ChattyKind, number>> = {
  plain: 0,
  tty: 0.01,
  rotating: 0,
  bursting: 0,
  partial: 0.1,
  mortal: 0,
  local: 0.01,
};

/** What a container of the workload says. The same random numbers give the same words. */
export class ChattyContainer {
  readonly container: SimulatedContainer;
  readonly kind: ChattyKind;
  readonly #random: Random;
  #count = 0;
  /** A long line that is being written, with its stream. */
  #open: StreamName | undefined;

  constructor(container: SimulatedContainer, kind: ChattyKind, random: Random) {
    this.container = container;
    this.kind = kind;
    this.#random = random;
  }

  /** Writes a line, or sometimes a part of a long one. */
  speak(): void {
    if (this.#open !== undefined) {
      // The rest of a long line comes late, with the stamp of its first chunk.
      this.container.writeChunk(this.#open, `... end of #${this.#count}${this.container.tty ? '\r' : ''}\n`);
      this.#open = undefined;
      return;
    }
    const stream: StreamName = this.#random() < 0.2 ? 'stderr' : 'stdout';
    this.#count++;
    if (this.#random() < LONG_LINES[this.kind]) {
      const length = CHUNK_BYTES - 20 + Math.floor(this.#random() * CHUNK_BYTES * 2);
      this.container.writeChunk(stream, `#${this.#count} `.padEnd(length, 'long line ü '));
      this.#open = stream;
      return;
    }
    this.container.writeLine(stream, this.#text());
  }

  #text(): string {
    const dice = this.#random();
    if (dice < 0.01) return '';
    // Said again and again, to be told apart by nothing but the stamp.
    if (dice < 0.03) return 'still alive';
    const words = Array.from({ length: 3 + Math.floor(this.#random() * 12) }, () => this.#word());
    const text = `${this.container.name} #${this.#count} ${words.join(' ')}`;
    if (dice < 0.1) return `\u001b[33m${text}\u001b[0m`;
    if (dice < 0.2) return JSON.stringify({ level: 'info', msg: text, n: this.#count });
    return text;
  }

  #word(): string {
    return WORDS[Math.floor(this.#random() * WORDS.length)] as string;
  }
}
