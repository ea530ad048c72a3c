import type { ContainerSummary, InspectedContainer } from '../model/container.js';

/**
 * Counts questions to the Engine and events from it, so that each can be compared with each: what has the higher
 * number is newer. A question counts when it is asked, since its answer may come late and be outdated.
 */
export class Turns {
  #last = 0;

  next(): number {
    return ++this.#last;
  }
}

/**
 * Who a container is: its name, labels and image, and its state in the list. This is the only place where answers of
 * list and inspect are merged: the newest question wins, however late its answer comes.
 *
 * Events are no source. moby puts the labels of a container and the attributes of the event into one flat map, in
 * which a label hides an attribute of its name, and the image and the name hide labels (daemon/events.go,
 * LogContainerEventWithAttributes). So an event only says that what is known may be outdated.
 *
 * The image is that of the list once a list showed the container: the list has the image's id when its name was given
 * to another image (moby: daemon/list.go), inspect has the name for ever.
 */
export class Identity {
  #summary: ContainerSummary;
  /** The request that showed name and labels; undefined: none did. */
  #asked: number | undefined;
  #wasListed = false;
  /** Turn of the last event after which the name may be another. */
  #changedAt = -1;

  private constructor(summary: ContainerSummary, asked: number | undefined) {
    this.#summary = summary;
    this.#asked = asked;
  }

  /** Of a container that the list shows. @param asked the turn of the list */
  static listed(summary: ContainerSummary, asked: number): Identity {
    const identity = new Identity(summary, asked);
    identity.#wasListed = true;
    return identity;
  }

  /** Of a container of which only an event is known: the name is good for messages, the rest is not known. */
  static unknown(summary: ContainerSummary): Identity {
    return new Identity({ ...summary, labels: {}, image: '' }, undefined);
  }

  get summary(): ContainerSummary {
    return this.#summary;
  }

  /** Name and labels are those of an answer of list or inspect. */
  get isKnown(): boolean {
    return this.#asked !== undefined;
  }

  /** Nothing happened since the request that showed name and labels. */
  get isCurrent(): boolean {
    return this.#asked !== undefined && this.#asked > this.#changedAt;
  }

  /** Whether an event came after this turn. */
  hasChangedSince(turn: number): boolean {
    return this.#changedAt > turn;
  }

  /** An event came after which the container may have another name. */
  mayHaveChanged(turn: number): void {
    this.#changedAt = turn;
  }

  /** Takes what the list shows. @param asked the turn of the list */
  listed(summary: ContainerSummary, asked: number): void {
    const isNewer = this.#isNewer(asked);
    const { name, labels } = isNewer ? summary : this.#summary;
    // An event since then is newer than the state that the list shows.
    const state = this.hasChangedSince(asked) ? this.#summary.state : summary.state;
    this.#summary = { ...summary, name, labels, state };
    if (isNewer) this.#asked = asked;
    this.#wasListed = true;
  }

  /** Takes what inspect shows, as far as it could be understood. @param asked the turn of the question */
  inspected({ name, labels, image, created }: InspectedContainer, asked: number): void {
    if (!this.#isNewer(asked)) return;
    const before = this.#summary;
    if (!this.isKnown && (name === undefined || labels === undefined)) return;
    this.#summary = {
      ...before,
      name: name ?? before.name,
      labels: labels ?? before.labels,
      image: this.#wasListed ? before.image : (image ?? before.image),
      created: this.#wasListed ? before.created : (created ?? before.created),
    };
    // Without a name it is as old as before. Labels stay as they are for the life of a container.
    if (name !== undefined) this.#asked = asked;
  }

  #isNewer(asked: number): boolean {
    return this.#asked === undefined || asked > this.#asked;
  }
}
