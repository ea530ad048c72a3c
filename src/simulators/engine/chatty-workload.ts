import type { Random } from '../../model/clock.js';
import { CHATTY_KINDS, ChattyContainer, type ChattyKind } from './chatty-container.js';
import type { ContainerOptions } from './container.js';
import type { EngineSimulator } from './simulator.js';

export interface ChattyOptions {
  readonly random: Random;
  /** How many containers; they take turns in kind. */
  readonly containers: number;
  /** Lines of one step, over all containers. */
  readonly linesPerStep: number;
  /** Default: all. */
  readonly kinds?: readonly ChattyKind[];
  /** Lines that a bursting container writes at once; default 500. */
  readonly burst?: number;
  /** The chance that a step has a burst; default 0.05. */
  readonly burstChance?: number;
  /** The chance that a mortal container dies in a step; default 0.02. */
  readonly deathChance?: number;
  /** How the log of a rotating container is kept; default 5 files of 256 KiB. */
  readonly rotation?: ChattyRotation;
}

export interface ChattyRotation {
  /** `max-size`. */
  readonly bytes: number;
  /** `max-file`. */
  readonly files: number;
}

const DEFAULT_ROTATION: ChattyRotation = { bytes: 256 * 1024, files: 5 };

/**
 * Containers that talk: in bursts, in parts of lines, on TTYs, dying and coming back, their logs rotating. All
 * is decided by the random numbers given, step by step; time is the simulator's clock.
 */
export class ChattyWorkload {
  readonly #options: ChattyOptions;
  readonly #talkers: ChattyContainer[] = [];
  readonly #bursting: ChattyContainer[];
  #finished = false;

  constructor(simulator: EngineSimulator, options: ChattyOptions) {
    this.#options = options;
    const { kinds = CHATTY_KINDS, rotation = DEFAULT_ROTATION } = options;
    for (let index = 0; index < options.containers; index++) {
      const kind = kinds[index % kinds.length] as ChattyKind;
      const container = simulator.addContainer(settings(kind, index, rotation));
      this.#talkers.push(new ChattyContainer(container, kind, options.random));
    }
    this.#bursting = this.#talkers.filter((talker) => talker.kind === 'bursting');
  }

  get talkers(): readonly ChattyContainer[] {
    return this.#talkers;
  }

  /** One step: the dead come back, some die, some burst, and lines are written. Does nothing once finished. */
  step(lines: number = this.#options.linesPerStep): void {
    if (this.#finished) return;
    const { random, deathChance = 0.02, burst = 500, burstChance = 0.05 } = this.#options;
    for (const talker of this.#talkers) {
      if (talker.kind !== 'mortal') continue;
      if (!talker.container.running) talker.container.start();
      else if (random() < deathChance) talker.container.die(random() < 0.5 ? 0 : 1);
    }
    const alive = this.#talkers.filter((talker) => talker.container.running);
    if (alive.length === 0) return;
    if (this.#bursting.length > 0 && random() < burstChance) {
      const talker = this.#bursting[Math.floor(random() * this.#bursting.length)] as ChattyContainer;
      for (let line = 0; line < burst; line++) talker.speak();
    }
    for (let line = 0; line < lines; line++) {
      (alive[Math.floor(random() * alive.length)] as ChattyContainer).speak();
    }
  }

  /** All containers end, their last words with them: nothing more is written. */
  finish(): void {
    this.#finished = true;
    for (const { container } of this.#talkers) if (container.running) container.die(0);
  }
}

function settings(kind: ChattyKind, index: number, { bytes, files }: ChattyRotation): ContainerOptions {
  const service = `${kind}-${index}`;
  return {
    name: `shop-${service}`,
    image: `example/${kind}:1.${index}`,
    tty: kind === 'tty',
    driver: kind === 'local' ? 'local' : 'json-file',
    labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': service },
    ...(kind === 'rotating'
      ? { rotation: { maxSize: { bytes }, maxFiles: files, compress: index % 2 === 0 } }
      : {}),
  };
}
