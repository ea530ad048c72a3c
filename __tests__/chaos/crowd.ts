import type {
  ContainerOptions,
  EngineSimulator,
  SimulatedContainer,
} from '../../src/simulators/engine/index.js';
import { CONTAINER_KINDS, Talker, type ContainerKind } from '../support/faults/talkers.js';
import type { Dice } from './dice.js';
import type { Sight } from './sight.js';

/** Those with long lines say less, or they are most of what is written. */
const TALKATIVE: Readonly<Record<ContainerKind, number>> = {
  tty: 2,
  'non-tty': 5,
  rotating: 4,
  'partial-lines': 1,
  restarting: 5,
  local: 2,
};

/** Two that stay of each kind. */
const RESIDENTS_OF_A_KIND = 2;

/** A container, and what is known of it by its base name, which it keeps through renames. */
export interface Member {
  readonly name: string;
  readonly kind: ContainerKind;
  readonly weight: number;
  talker: Talker;
}

/** The containers of a run: some stay, others come and go. */
export class Crowd {
  readonly residents: Member[] = [];
  /** All there ever were, by their ids. */
  readonly everyContainer = new Map<string, SimulatedContainer>();
  /** Those that came to go. */
  readonly guests: Member[] = [];
  readonly #engine: EngineSimulator;
  readonly #dice: Dice;
  readonly #sight: Sight;

  constructor(engine: EngineSimulator, dice: Dice, sight: Sight) {
    this.#engine = engine;
    this.#dice = dice;
    this.#sight = sight;
    for (let round = 0; round < RESIDENTS_OF_A_KIND; round++) {
      for (const kind of CONTAINER_KINDS) this.residents.push(this.#make(kind, `${kind}-${round}`));
    }
  }

  get everybody(): readonly Member[] {
    return [...this.residents, ...this.guests];
  }

  /** One of those that stay and run; undefined: none does. */
  someone(): Member | undefined {
    const running = this.residents.filter(({ talker }) => talker.container.running);
    return running.length === 0 ? undefined : this.#dice.pick(running);
  }

  /** A few of them say something. */
  talk(times: number): void {
    for (let time = 0; time < times; time++) {
      const running = this.everybody.filter(({ talker }) => talker.container.running);
      if (running.length > 0) this.#dice.weighted(running).talker.speak();
    }
  }

  /** A guest arrives. Undefined: its name is taken. */
  invite(kind: ContainerKind, name: string): Member | undefined {
    if (this.#engine.find(name) !== undefined) return undefined;
    const guest = this.#make(kind, name);
    this.guests.push(guest);
    return guest;
  }

  /** A guest is removed, running or not. */
  dismiss(guest: Member): void {
    const at = this.guests.indexOf(guest);
    if (at >= 0) this.guests.splice(at, 1);
    this.remove(guest.talker.container);
  }

  /** As `compose up` with another image: removed, and made anew under its first name. */
  recreate(member: Member): void {
    const { container } = member.talker;
    if (container.running) container.stop();
    this.remove(container);
    this.replace(member);
  }

  /** Made anew, beside an old one that is on its way out. */
  replace(member: Member): void {
    member.talker = this.#make(member.kind, member.name).talker;
  }

  /** From now on its logs are refused, until it is removed. */
  beginRemoval(container: SimulatedContainer, state: 'removing' | 'dead'): void {
    container.beginRemoval(state);
    this.#sight.removed(container.id);
  }

  remove(container: SimulatedContainer): void {
    if (container.removed) return;
    container.remove();
    this.#sight.removed(container.id);
  }

  /** All end, in the middle of a line. */
  finish(): void {
    for (const { talker } of this.everybody) talker.finish();
  }

  #make(kind: ContainerKind, name: string): Member {
    const options: Partial<ContainerOptions> = { name, id: this.#dice.hex(64) };
    const talker = new Talker(kind, this.#engine, options);
    this.everyContainer.set(talker.container.id, talker.container);
    this.#sight.made(talker.container.id);
    return { name, kind, weight: TALKATIVE[kind], talker };
  }
}
