import {
  createContainer,
  type ContainerOptions,
  type TestContainer,
} from '../../support/engines/container.js';
import type { Engine } from '../../support/engines/engine.js';
import { LINE_BYTES } from '../long-log.js';

/** How often it speaks; in between it costs nothing. */
const SPEAKS_PER_SECOND = 4;

/** Counts its runs in a file of its own, so that each has numbers of its own. */
const SCRIPT = `
run=$(($(cat /runs 2>/dev/null || echo 0) + 1)); echo $run > /runs
i=0
while :; do
  n=0
  while [ $n -lt $EACH ]; do i=$((i+1)); n=$((n+1)); echo "$NAME $GENERATION $run $i $PADDING"; done
  usleep ${1_000_000 / SPEAKS_PER_SECOND}
done
`;

export type TalkerOptions = Omit<ContainerOptions, 'cmd' | 'env' | 'name'>;

/** A container that says numbered lines until it is killed, again and again if it is let to. */
export class Talker {
  readonly name: string;
  readonly #engine: Engine;
  readonly #options: TalkerOptions;
  readonly #each: number;
  #container: TestContainer | undefined;
  #generation = 0;

  constructor(engine: Engine, name: string, linesPerSecond: number, options: TalkerOptions) {
    this.#engine = engine;
    this.name = name;
    this.#options = options;
    this.#each = Math.max(1, Math.round(linesPerSecond / SPEAKS_PER_SECOND));
  }

  get linesPerSecond(): number {
    return this.#each * SPEAKS_PER_SECOND;
  }

  get containerId(): string {
    return this.#existing().id;
  }

  /** A new container under its name; the one before is removed. */
  async create(): Promise<void> {
    await this.remove();
    this.#generation++;
    const head = `${this.name} ${this.#generation} 1 000000 `;
    this.#container = await createContainer(this.#engine, {
      ...this.#options,
      name: this.name,
      cmd: SCRIPT,
      env: {
        NAME: this.name,
        GENERATION: String(this.#generation),
        EACH: String(this.#each),
        PADDING: '.'.repeat(LINE_BYTES - head.length - 1),
      },
    });
    await this.#container.start();
  }

  /** The same container once more. */
  async startAgain(): Promise<void> {
    await this.#existing().start();
  }

  /** Kills it. Returns who spoke last in it (see Ledger) and how many lines that one has said. */
  async kill(): Promise<{ readonly speaker: string; readonly lines: number } | undefined> {
    const container = this.#existing();
    await container.kill();
    await container.wait();
    const { body } = await container.logs({ tail: '1' });
    const pattern = new RegExp(`(${this.name} \\d+ \\d+) (\\d+) `);
    const [, speaker, lines] = pattern.exec(body.toString('latin1')) ?? [];
    return speaker === undefined ? undefined : { speaker, lines: Number(lines) };
  }

  /** Ends it, with its log; harmless when there is none. */
  async remove(): Promise<void> {
    await this.#container?.remove();
    this.#container = undefined;
  }

  #existing(): TestContainer {
    if (this.#container === undefined) throw new Error(`${this.name} was not created`);
    return this.#container;
  }
}
