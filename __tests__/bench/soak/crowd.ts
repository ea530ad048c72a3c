import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from '../../support/engines/engine.js';
import type { Ledger } from './ledger.js';
import { Talker, type TalkerOptions } from './talker.js';

/** Small files, so that a log is rotated several times a minute. */
const ROTATION = { 'max-size': '400k', 'max-file': '3' };

/** Of ten containers. The mortal ones are killed now and then. */
const KINDS: readonly {
  readonly kind: string;
  readonly options: TalkerOptions;
  readonly mortal?: boolean;
}[] = [
  { kind: 'rotated', options: { logOptions: ROTATION } },
  { kind: 'compressed', options: { logOptions: { ...ROTATION, compress: 'true' } } },
  { kind: 'tty', options: { tty: true } },
  { kind: 'local', options: { logDriver: 'local' } },
  { kind: 'mortal', options: {}, mortal: true },
  { kind: 'mortal', options: {}, mortal: true },
  { kind: 'plain', options: {} },
  { kind: 'plain', options: {} },
  { kind: 'plain', options: {} },
  { kind: 'plain', options: {} },
];

/** One of the mortal ones is killed every so many ms. */
const DEATH_EVERY_MS = 10_000;
/** How long what a container has written may take to come to Loki before the container is removed, ms. */
const PATIENCE_MS = 60_000;

export interface CrowdOptions {
  readonly count: number;
  /** Of all together. */
  readonly linesPerSecond: number;
  readonly ledger: Ledger;
  /** Whether the collector knows that it has read all of an ended container's log. */
  readonly readToEnd: (containerId: string) => Promise<boolean>;
}

/** Containers of all kinds, some of which are killed, started again, or removed and made anew. */
export class Crowd {
  /** How many lines each speaker has written, of those that have ended. */
  readonly written = new Map<string, number>();
  readonly #talkers: { readonly talker: Talker; readonly mortal: boolean }[];
  readonly #ledger: Ledger;
  readonly #readToEnd: (containerId: string) => Promise<boolean>;
  #kills = 0;
  #recreated = 0;

  constructor(engine: Engine, options: CrowdOptions) {
    const { count, linesPerSecond } = options;
    this.#ledger = options.ledger;
    this.#readToEnd = options.readToEnd;
    this.#talkers = Array.from({ length: count }, (_, i) => {
      const { kind, options, mortal = false } = KINDS[i % KINDS.length]!;
      const name = `soak-${String(i).padStart(2, '0')}-${kind}`;
      return { talker: new Talker(engine, name, linesPerSecond / count, options), mortal };
    });
  }

  /** As it came out after rounding. */
  get linesPerSecond(): number {
    return this.#talkers.reduce((sum, { talker }) => sum + talker.linesPerSecond, 0);
  }

  get deaths(): { readonly killed: number; readonly recreated: number } {
    return { killed: this.#kills, recreated: this.#recreated };
  }

  /** A few at a time, as the Engine can take it. */
  async start(): Promise<void> {
    for (const { talker } of this.#talkers) await talker.create();
  }

  /** Kills a mortal one every few seconds until the signal aborts: by turns started again, or made anew. */
  async churn(signal: AbortSignal): Promise<void> {
    const mortals = this.#talkers.filter(({ mortal }) => mortal);
    for (let turn = 0; mortals.length > 0; turn++) {
      const waited = await delay(DEATH_EVERY_MS, true, { signal }).catch(() => false);
      if (!waited) return;
      const { talker } = mortals[turn % mortals.length]!;
      await this.#kill(talker);
      this.#kills++;
      if (turn % 2 === 0) {
        await talker.startAgain();
        continue;
      }
      // What is not read before a log is removed is lost to any collector.
      await this.#until(() => this.#readToEnd(talker.containerId));
      await talker.create();
      this.#recreated++;
    }
  }

  /** Kills all, and waits until all that they have written has come; not for ever. */
  async end(): Promise<void> {
    await Promise.all(this.#talkers.map(({ talker }) => this.#kill(talker)));
    await this.#until(() =>
      [...this.written].every(([speaker, lines]) => this.#ledger.holds(speaker, lines)),
    );
  }

  async #kill(talker: Talker): Promise<void> {
    const last = await talker.kill();
    if (last !== undefined) this.written.set(last.speaker, last.lines);
  }

  async #until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await holds()) && performance.now() < deadline) await delay(100);
  }
}
