import type { StreamName } from '../../../src/model/container.js';
import type {
  ContainerOptions,
  EngineSimulator,
  SimulatedContainer,
} from '../../../src/simulators/engine/index.js';

/** The types of containers that each fault is crossed with. */
export const CONTAINER_KINDS = [
  'tty',
  'non-tty',
  'rotating',
  'partial-lines',
  'restarting',
  'local',
] as const;
export type ContainerKind = (typeof CONTAINER_KINDS)[number];

const OPTIONS: Readonly<Record<ContainerKind, Omit<ContainerOptions, 'name'>>> = {
  tty: { tty: true },
  'non-tty': {},
  // Three files of six entries: it outruns a collector that is kept from reading.
  rotating: { rotation: { maxSize: { entries: 6 }, maxFiles: 3, compress: true } },
  'partial-lines': {},
  restarting: {},
  local: { driver: 'local' },
};

/** Longer than one chunk of the Engine, and than two. */
const LONG = 20_000;
const LONGER = 40_000;

/** A container of a type, and what it says: each line is another. */
export class Talker {
  readonly kind: ContainerKind;
  /** Of all containers that it ever was. */
  readonly ids = new Set<string>();
  readonly #engine: EngineSimulator;
  readonly #options: ContainerOptions;
  #container: SimulatedContainer;
  #step = 0;
  /** A line of which only the beginning was written. */
  #open: StreamName | undefined;

  constructor(kind: ContainerKind, engine: EngineSimulator, more: Partial<ContainerOptions> = {}) {
    this.kind = kind;
    this.#engine = engine;
    this.#options = { name: kind, ...OPTIONS[kind], ...more };
    this.#container = this.#make();
  }

  get container(): SimulatedContainer {
    return this.#container;
  }

  /** As `compose up` with another image: removed, and made again under the same name. */
  recreate(): void {
    this.#container.stop();
    this.#container.remove();
    this.#open = undefined;
    this.#container = this.#make();
  }

  /** Says a few lines, in the way of its type. */
  speak(): void {
    const step = this.#step++;
    const say = (stream: StreamName, text: string): void =>
      this.container.writeLine(stream, `${this.kind} ${step} ${text}`);
    switch (this.kind) {
      case 'tty':
        say('stdout', 'a prompt, and \u001b[32mgreen\u001b[0m');
        say('stdout', step % 4 === 1 ? 'x'.repeat(LONG) : 'über 漢字');
        break;
      case 'non-tty':
        say('stdout', 'out');
        say('stderr', 'err');
        say('stdout', '{"level":"info","msg":"again out"}');
        break;
      case 'rotating':
        for (let i = 0; i < 4; i++) say(i === 3 ? 'stderr' : 'stdout', `line ${i}`);
        break;
      case 'partial-lines':
        this.#speakInParts(step);
        break;
      case 'restarting':
        if (step % 3 === 2) {
          this.container.writeChunk('stdout', `${this.kind} ${step} last words`);
          this.container.restart();
        }
        say('stdout', 'out');
        say('stderr', 'err');
        break;
      case 'local':
        say('stdout', 'out');
        say('stderr', step % 4 === 2 ? 'y'.repeat(LONGER) : 'err');
        break;
    }
  }

  /** Its process ends, in the middle of a line. */
  finish(): void {
    if (!this.container.running) return;
    this.container.writeChunk('stdout', `${this.kind} says its last words`);
    this.container.die(0);
  }

  /** A long line in chunks, of which the last comes a step later, behind a line of the other stream. */
  #speakInParts(step: number): void {
    if (this.#open !== undefined) {
      this.container.writeLine(this.#open === 'stdout' ? 'stderr' : 'stdout', `between ${step}`);
      this.container.writeChunk(this.#open, `, the end of it in step ${step}\n`);
      this.#open = undefined;
      return;
    }
    const stream = step % 4 === 0 ? 'stdout' : 'stderr';
    this.container.writeChunk(stream, `${this.kind} ${step} ${'z'.repeat(step % 3 === 0 ? LONGER : LONG)}`);
    this.#open = stream;
  }

  #make(): SimulatedContainer {
    const container = this.#engine.addContainer(this.#options);
    this.ids.add(container.id);
    return container;
  }
}
