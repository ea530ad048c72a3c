import type { ContainerSummary, InspectedContainer } from '../model/container.js';
import { reopened, type Cursor } from '../model/cursor.js';
import type { MalformedItem } from '../docker/malformed.js';
import type { Clock } from '../model/clock.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import { isSettled } from './after-end.js';
import { newContainerState, type ContainerState, type Life } from './container-state.js';
import type { ContainerEvent } from './engine.js';
import { Identity, Turns } from './identity.js';
import type { CollectorObserver } from './observer.js';
import { lastStamp } from './transfer.js';

export interface FleetOptions {
  readonly clock: Clock;
  /** Which containers are collected at all. */
  readonly selects: (container: ContainerSummary) => boolean;
  readonly cursorOf: (containerId: string) => Cursor | undefined;
  /** All cursors there are, to notice containers that were removed meanwhile. */
  readonly cursors: () => Iterable<Cursor>;
  readonly forgetCursor: (containerId: string) => Promise<void>;
  /** Writes down that nothing more of this container is to come. Its failures are told elsewhere. */
  readonly completeCursor: (containerId: string) => void;
  /** Takes that back. */
  readonly reopenCursor: (containerId: string) => void;
  readonly observer: CollectorObserver;
  /** When this process began to watch, ns wall clock. */
  readonly watchSince: Nanoseconds;
  /** ms for which the cursor of a removed container is kept. */
  readonly forgetAfter: number;
}

/** States in which nothing is written any more (Engine API, ContainerList `State`). */
const OVER: ReadonlySet<string> = new Set(['exited', 'dead', 'removing']);
/** Those of a container whose removal has begun: it may be listed like this for good when the removal failed. */
const LEAVING: ReadonlySet<string> = new Set(['dead', 'removing']);
/** A container that is listed and denied is asked about ever later, from the third time on, ms. */
const FIRST_DENIAL_PAUSE = 1000;
const LONGEST_DENIAL_PAUSE = 10 * 60_000;

/** The containers there are, kept up to date from lists and events. Decides who lives, not who is due. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #states = new Map<string, ContainerState>();
  readonly #turns = new Turns();
  /** Containers of which only an event is known, and that would be collected if its labels were theirs. */
  readonly #presumed = new WeakSet<ContainerState>();
  /** Ids of containers that list or inspect showed and that are not collected. */
  readonly #passedOver = new Set<string>();
  /** Ids whose removal was dealt with; the list may be older than the event. */
  readonly #destroyed = new Set<string>();
  /** Ids of containers whose removal was dealt with, and that the list goes on to show as being removed. */
  readonly #stuck = new Set<string>();
  /**
   * Denied again, and nothing was seen of them since they were judged, with what they were before: they are judged anew
   * when it is confirmed that they were removed.
   */
  readonly #deniedAgain = new Map<ContainerState, Life>();
  /** Removed in the middle of a poll, with what they were before. */
  readonly #leaving = new Map<ContainerState, Life>();
  #orphans: Map<string, number> | undefined;
  #hasListed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  states(): Iterable<ContainerState> {
    return this.#states.values();
  }

  get(id: string): ContainerState | undefined {
    return this.#states.get(id);
  }

  /** A complete list was taken, so that what is discovered from now on was not there before. */
  get hasListed(): boolean {
    return this.#hasListed;
  }

  get size(): number {
    return this.#states.size;
  }

  /** The log of a container is read now and then. */
  get isAnyActive(): boolean {
    for (const { life } of this.#states.values()) if (life === 'active') return true;
    return false;
  }

  /** Whether neither a list nor an event has shown a container of this id. */
  isUnknown(id: string): boolean {
    const known: readonly { has: (id: string) => boolean }[] = [
      this.#states,
      this.#passedOver,
      this.#destroyed,
      this.#stuck,
    ];
    return !known.some((ids) => ids.has(id));
  }

  /** The turn of a question that is about to be asked: its answer is as old as that. */
  asks(): number {
    return this.#turns.next();
  }

  /**
   * Takes the complete list (`all=1`).
   *
   * @param askedAt monotonic ms at which it was asked for: what was learned since is newer. Left out: it is the
   *   newest that is known.
   * @param turn its turn, as asks() gave it when it was asked for
   * @param skipped entries that could not be understood: their containers are there all the same
   */
  listed(
    containers: readonly ContainerSummary[],
    askedAt = Infinity,
    turn = this.asks(),
    skipped: readonly Pick<MalformedItem, 'containerId'>[] = [],
  ): void {
    const present = new Set<string>();
    for (const { containerId } of skipped) if (containerId !== undefined) present.add(containerId);
    for (const container of containers) {
      present.add(container.id);
      if (this.#destroyed.has(container.id) || this.#isStuck(container)) continue;
      const known = this.#states.get(container.id);
      if (!known) this.#add(container, turn);
      else if (known.goneAt === undefined || known.goneAt <= askedAt) {
        this.#update(known, container, askedAt, turn);
      }
    }
    // Any of those that are absent may be one that could not be understood.
    if (skipped.some(({ containerId }) => containerId === undefined)) return;
    for (const ids of [this.#destroyed, this.#passedOver, this.#stuck]) {
      for (const id of ids) if (!present.has(id)) ids.delete(id);
    }
    for (const [id, state] of this.#states) {
      if (!present.has(id) && state.seenAt <= askedAt) this.#gone(state);
    }
    this.#lookForOrphans(present);
    this.#hasListed = true;
  }

  /**
   * Takes what inspect shows of a container.
   *
   * @param turn that of the question, as asks() gave it
   * @returns `passed_over`: it is not collected, and no longer in the fleet; `unknown`: list and inspect have not
   *   told yet who it is
   */
  inspected(
    state: ContainerState,
    found: InspectedContainer,
    turn: number,
  ): 'collected' | 'passed_over' | 'unknown' {
    const wasKnown = state.identity.isKnown;
    state.denials = 0;
    state.identity.inspected(found, turn);
    if (!state.identity.isKnown) return 'unknown';
    // A list may have shown it while it was asked for.
    if (this.#passedOver.has(state.summary.id)) return 'passed_over';
    return wasKnown || this.#identified(state) ? 'collected' : 'passed_over';
  }

  /** Takes one event, in the order they came. */
  event(event: ContainerEvent): void {
    const { container } = event;
    let state = this.#states.get(event.containerId);
    if (event.action === 'rename' || event.action === 'destroy') this.#passedOver.delete(event.containerId);
    if (!state && container && (event.action === 'start' || event.action === 'die')) {
      state = this.#addUnknown(container);
    }
    if (!state) return;
    // What was asked for before it may have another name.
    if (event.action !== 'other') state.identity.mayHaveChanged(this.#turns.next());
    switch (event.action) {
      case 'start':
        state.started = true;
        state.diedAt = undefined;
        this.#wake(state);
        break;
      case 'die':
        state.started = true;
        state.diedAt = event.at;
        // Its end must be read again from inspect; what it wrote last is read at once. A drained one was found
        // ended before the event came, and has not started since, or it would be awake.
        if (!isKnownToHaveEnded(state)) this.#wake(state);
        break;
      case 'destroy':
        this.#destroyed.add(event.containerId);
        this.#gone(state);
        break;
      case 'rename':
      case 'create':
      case 'other':
        break;
    }
  }

  /** The Engine answered 404 for it. */
  removed(state: ContainerState): void {
    state.denials++;
    if (state.denials > 1 && state.life !== 'gone') {
      this.#deniedAgain.set(state, state.life);
      state.life = 'gone';
      state.goneAt = this.#options.clock.monotonic();
    } else this.#gone(state);
  }

  /** Its poll is over, and all that it read is committed. If it was removed meanwhile, this is its end. */
  left(state: ContainerState): void {
    const before = this.#leaving.get(state);
    this.#leaving.delete(state);
    if (before === undefined || state.goneAt === undefined) return;
    // The poll may have found that it had ended, and read all of it.
    const found = state.life === 'drained' ? state.life : before;
    state.life = 'gone';
    this.#judge(state, found);
  }

  /**
   * The clock was set: the next poll of each looks at the log's last entry, too. Set back, the last poll, or the one
   * that is under way, would seem to be later than a death that came after it.
   */
  clockStepped(): void {
    for (const state of this.#states.values()) {
      state.idlePolls = 0;
      state.pollBegan?.clockStepped();
      state.readToEnd?.clockStepped();
    }
  }

  /** Forgets the containers that are gone for longer than the grace period, with their cursors. */
  async forgetOld(): Promise<void> {
    const now = this.#options.clock.monotonic();
    for (const [id, state] of this.#states) {
      if (state.goneAt === undefined || state.busy || now - state.goneAt < this.#options.forgetAfter)
        continue;
      // It is listed still. Its cursor tells the next process that it was dealt with.
      if (this.#stuck.has(id)) continue;
      this.#states.delete(id);
      this.#deniedAgain.delete(state);
      await this.#options.forgetCursor(id);
      this.#options.observer.forgotten(id);
    }
    for (const [id, since] of this.#orphans ?? []) {
      if (now - since < this.#options.forgetAfter) continue;
      this.#orphans?.delete(id);
      await this.#options.forgetCursor(id);
    }
  }

  /** Adds one that the list shows. */
  #add(container: ContainerSummary, turn: number): void {
    const { selects, observer } = this.#options;
    if (!selects(container)) {
      this.#passedOver.add(container.id);
      return;
    }
    const state = this.#newState(container, Identity.listed(container, turn));
    state.started = container.state !== 'created';
    if (!state.started) state.life = 'waiting';
    observer.discovered(container);
  }

  /** Adds one of which only an event is known: whether it is collected, inspect or the list will show. */
  #addUnknown(container: ContainerSummary): ContainerState | undefined {
    if (this.#passedOver.has(container.id)) return undefined;
    const state = this.#newState(container, Identity.unknown(container));
    state.started = true;
    if (this.#options.selects(container)) this.#presumed.add(state);
    return state;
  }

  #newState(container: ContainerSummary, identity: Identity): ContainerState {
    const { clock, cursorOf, watchSince } = this.#options;
    const born = bornUnderWatch(container, watchSince);
    const state = newContainerState(container, cursorOf(container.id), born, clock.monotonic(), identity);
    this.#states.set(container.id, state);
    return state;
  }

  /** It is known now who the container is. @returns whether it is collected */
  #identified(state: ContainerState): boolean {
    const { selects, watchSince, observer } = this.#options;
    const { summary } = state;
    if (!selects(summary)) {
      this.#states.delete(summary.id);
      this.#passedOver.add(summary.id);
      return false;
    }
    state.bornUnderWatch = bornUnderWatch(summary, watchSince);
    observer.discovered(summary);
    return true;
  }

  #update(state: ContainerState, container: ContainerSummary, askedAt: number, turn: number): void {
    const changed = state.summary.state !== container.state;
    const wasKnown = state.identity.isKnown;
    state.identity.listed(container, turn);
    if (!wasKnown && !this.#identified(state)) return;
    if (state.life === 'gone') {
      this.#deniedAgain.delete(state);
      if (LEAVING.has(container.state)) {
        this.#stuck.add(container.id);
        return;
      }
      state.life = 'active';
      state.goneAt = undefined;
      state.afterEnd = undefined;
      if (state.denials > 1) state.dueAt = this.#options.clock.monotonic() + denialPause(state.denials);
      this.#takeBackEnd(state);
    }
    // An event since then is newer.
    if (state.identity.hasChangedSince(turn)) return;
    if (!changed && !startedUnseen(state, askedAt)) return;
    if (container.state !== 'created') state.started = true;
    // The list only catches up with what inspect showed.
    if (isKnownToHaveEnded(state) && OVER.has(container.state)) return;
    // No later death is known than the one before that start.
    if (container.state === 'running') state.diedAt = undefined;
    this.#wake(state);
  }

  /** Its removal was dealt with, and the list still shows it as being removed. */
  #isStuck({ id, state }: ContainerSummary): boolean {
    if (!this.#stuck.has(id)) return false;
    if (LEAVING.has(state)) return true;
    this.#stuck.delete(id);
    return false;
  }

  /** It is there again, or has started again: its end is to be judged anew. */
  #takeBackEnd(state: ContainerState): void {
    this.#options.reopenCursor(state.summary.id);
    if (state.cursor !== undefined) state.cursor = reopened(state.cursor);
  }

  /** It started or ended: what inspect said is old, and it is due now. */
  #wake(state: ContainerState): void {
    state.details = undefined;
    state.afterEnd = undefined;
    state.tailTrouble = undefined;
    if (state.life !== 'gone') state.life = 'active';
    state.dueAt = this.#options.clock.monotonic();
    state.failures = 0;
    state.denials = 0;
    if (state.cursor?.complete === true) this.#takeBackEnd(state);
    if (state.busy) state.again = true;
  }

  /** What a poll that is under way still reads and commits is waited for: see left(). */
  #gone(state: ContainerState): void {
    const before = this.#deniedAgain.get(state) ?? state.life;
    if (before === 'gone') return;
    this.#deniedAgain.delete(state);
    state.life = 'gone';
    state.goneAt ??= this.#options.clock.monotonic();
    if (state.busy) this.#leaving.set(state, before);
    else this.#judge(state, before);
  }

  #judge(state: ContainerState, before: Life): void {
    const readToTheEnd =
      before === 'waiting' ||
      before === 'unlogged' ||
      // Said when it was found. A cursor shows that it could be read before, and may lack what came since.
      (before === 'unreadable' && state.cursor === undefined) ||
      ((isReadBehindDeath(state, before) || isWrittenDown(state)) && !mayHaveGrown(state));
    // What is to be said of its end is said now, and not again at the next start.
    this.#options.completeCursor(state.summary.id);
    if (readToTheEnd || !state.started) return;
    // Nobody knows its labels any more.
    if (!state.identity.isKnown && !this.#presumed.has(state)) return;
    const since = lastStamp(state.cursor?.anchor ?? []);
    this.#options.observer.missed(
      state.summary,
      state.cursor === undefined ? 'never_polled' : 'removed_early',
      since,
    );
  }

  /** Cursors of containers that the first list does not show: removed while no one watched. */
  #lookForOrphans(present: ReadonlySet<string>): void {
    if (this.#orphans) return;
    const now = this.#options.clock.monotonic();
    this.#orphans = new Map();
    for (const cursor of this.#options.cursors()) {
      if (present.has(cursor.containerId) || this.#states.has(cursor.containerId)) continue;
      this.#orphans.set(cursor.containerId, now);
      if (cursor.complete) continue;
      const container: ContainerSummary = {
        id: cursor.containerId,
        name: cursor.containerName,
        image: '',
        labels: {},
        state: 'removed',
        created: 0n,
      };
      this.#options.completeCursor(cursor.containerId);
      this.#options.observer.missed(container, 'removed_unwatched', lastStamp(cursor.anchor));
    }
  }
}

/**
 * Whether a container that the list shows was found ended before the list was asked for, and runs all the same: the
 * events of both its end and its start are lost, or that of its start is, and the list before showed it running, too.
 *
 * @param askedAt monotonic ms
 */
function startedUnseen({ life, summary, polledAt }: ContainerState, askedAt: number): boolean {
  return life === 'drained' && summary.state === 'running' && polledAt !== undefined && polledAt < askedAt;
}

/** Its log was read to its end after its container had ended, and may have grown since. */
function isKnownToHaveEnded({ life, afterEnd }: ContainerState): boolean {
  return life === 'drained' || afterEnd !== undefined;
}

function isReadBehindDeath(state: ContainerState, before: Life): boolean {
  const { diedAt, readToEnd } = state;
  if (before === 'drained') return true;
  return diedAt !== undefined && readToEnd?.isAfter(diedAt) === true && !lacksLastWords(state);
}

/** That its log was read to the end is written down, perhaps by a process before this one, and still holds. */
function isWrittenDown({ cursor, again }: ContainerState): boolean {
  return cursor?.complete === true && !again;
}

/** The pause before a container that is listed is inspected once more, ms. */
function denialPause(denials: number): number {
  return Math.min(FIRST_DENIAL_PAUSE * 2 ** Math.min(denials - 2, 20), LONGEST_DENIAL_PAUSE);
}

/** Its log may have grown after it was read to its end, or did, and was not read to its end again. */
function mayHaveGrown({ afterEnd, diedAt }: ContainerState): boolean {
  return afterEnd !== undefined && !isSettled(afterEnd, diedAt);
}

/** What a poll that did not know of the end left open, or held back, was not delivered. */
function lacksLastWords({ cursor, lastWordsHeld }: ContainerState): boolean {
  return lastWordsHeld || cursor?.open.some(({ text }) => text.length > 0) === true;
}

/**
 * Whether a container was made after the watch began. The list has whole seconds: one of the second in which the
 * watch began counts as born under it.
 *
 * @param watchSince wall clock
 */
export function bornUnderWatch({ created }: ContainerSummary, watchSince: Nanoseconds): boolean {
  return created >= watchSince - NS_PER_SECOND;
}
