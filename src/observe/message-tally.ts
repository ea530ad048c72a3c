import type { LogFields } from '../model/logger.js';
import type { Nanoseconds } from '../model/nanoseconds.js';

/** How often one message was heard. */
export interface Tally {
  readonly level: 'error' | 'warn';
  /** The text, which is what is counted; of a shared count, the last one. */
  message: string;
  /** The last ones. */
  fields: LogFields;
  readonly container: string | undefined;
  /** Counts all containers, or all messages, that found no room of their own. */
  readonly shared: 'containers' | 'messages' | undefined;
  /** Since the last line about it. */
  heldBack: number;
  /** A few of those held back, of a shared count. */
  readonly someContainers: Set<string>;
  total: number;
  /** Monotonic ms of the last line about it. */
  saidAt: number;
  /** Wall clock of the first one. */
  readonly since: Nanoseconds;
  readonly group: string;
  readonly key: string;
}

const NAMED = 5;
const ANY = '';

/**
 * Counts of messages by text, container and error code. Bounded: when there is no room for another container of
 * a message, it is counted with the other ones under the message; when there is none for another message, under
 * its level.
 */
export class MessageTally {
  readonly #maxMessages: number;
  readonly #maxContainers: number;
  /** By level and text, then by container and code. */
  readonly #groups = new Map<string, Map<string, Tally>>();

  constructor(maxMessages: number, maxContainers: number) {
    this.#maxMessages = maxMessages;
    this.#maxContainers = maxContainers;
  }

  get size(): number {
    let size = 0;
    for (const group of this.#groups.values()) size += group.size;
    return size;
  }

  /** All counts there are now; they may be forgotten while going through them. */
  all(): Tally[] {
    return [...this.#groups.values()].flatMap((group) => [...group.values()]);
  }

  /** The count that a message belongs to; undefined when it is the first of its kind. */
  find(level: Tally['level'], message: string, fields: LogFields): Tally | undefined {
    const { group, key } = this.#place(level, message, fields);
    return this.#groups.get(group)?.get(key);
  }

  begin(level: Tally['level'], message: string, fields: LogFields, now: number, wall: Nanoseconds): void {
    const { group, key, shared } = this.#place(level, message, fields);
    const tally: Tally = {
      level,
      message,
      fields,
      container: containerOf(fields),
      shared,
      heldBack: 0,
      someContainers: new Set(),
      total: 1,
      saidAt: now,
      since: wall,
      group,
      key,
    };
    const siblings = this.#groups.get(group);
    if (siblings) siblings.set(key, tally);
    else this.#groups.set(group, new Map([[key, tally]]));
  }

  count(tally: Tally, message: string, fields: LogFields): void {
    tally.message = message;
    tally.fields = fields;
    tally.heldBack++;
    tally.total++;
    const container = containerOf(fields);
    if (tally.shared !== undefined && container !== undefined && tally.someContainers.size < NAMED)
      tally.someContainers.add(container);
  }

  forget(tally: Tally): void {
    const siblings = this.#groups.get(tally.group);
    siblings?.delete(tally.key);
    if (siblings?.size === 0) this.#groups.delete(tally.group);
  }

  #place(
    level: Tally['level'],
    message: string,
    fields: LogFields,
  ): { group: string; key: string; shared: Tally['shared'] } {
    const group = `${level}\0${message}`;
    const siblings = this.#groups.get(group);
    if (!siblings && this.#groups.size >= this.#maxMessages)
      return { group: level, key: ANY, shared: 'messages' };
    const key = `${containerOf(fields) ?? ''}\0${codeOf(fields['error'])}`;
    if (siblings && !siblings.has(key) && siblings.size >= this.#maxContainers)
      return { group, key: ANY, shared: 'containers' };
    return { group, key, shared: undefined };
  }
}

function containerOf(fields: LogFields): string | undefined {
  const named = fields['container'] ?? property(fields['error'], 'container');
  return typeof named === 'string' ? named : undefined;
}

function codeOf(error: unknown): string {
  const code = property(error, 'code');
  return typeof code === 'string' ? code : '';
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
