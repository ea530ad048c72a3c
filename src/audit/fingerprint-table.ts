/** Of one slot: the fingerprint and its state. */
const SLOT_BYTES = 18;
/** Fuller, and the search for a free slot gets long. */
const FILL = 0.7;

/**
 * A set of fingerprints with a state each, in 18 bytes a slot and nothing else: what is held of lines while the
 * two sides are compared. It has room for a number of them that is fixed when it is made.
 */
export class FingerprintTable {
  readonly maxEntries: number;
  readonly #mask: number;
  readonly #words: Uint32Array;
  /** 0: the slot is free. */
  readonly #states: Uint16Array;
  #size = 0;

  constructor(maxEntries: number) {
    this.maxEntries = maxEntries;
    const slots = slotsFor(maxEntries);
    this.#mask = slots - 1;
    this.#words = new Uint32Array(slots * 4);
    this.#states = new Uint16Array(slots);
  }

  /** What a table with this room takes. */
  static bytesFor(maxEntries: number): number {
    return slotsFor(maxEntries) * SLOT_BYTES;
  }

  /** How many fingerprints so many bytes have room for; at least one. */
  static entriesIn(bytes: number): number {
    const slots = 2 ** Math.floor(Math.log2(Math.max(bytes / SLOT_BYTES, 2)));
    return Math.max(1, Math.floor(slots * FILL) - 1);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#states.length * SLOT_BYTES;
  }

  /** The slot of a fingerprint, or -1. */
  find(words: Uint32Array): number {
    const slot = this.#search(words);
    return this.#states[slot] === 0 ? -1 : slot;
  }

  /**
   * Takes a fingerprint in, unless it is there already.
   *
   * @param state 1 to 65535
   */
  add(words: Uint32Array, state: number): 'added' | 'known' | 'full' {
    const slot = this.#search(words);
    if (this.#states[slot] !== 0) return 'known';
    if (this.#size >= this.maxEntries) return 'full';
    this.#words.set(words, slot * 4);
    this.#states[slot] = state;
    this.#size++;
    return 'added';
  }

  stateOf(slot: number): number {
    return this.#states[slot] as number;
  }

  setState(slot: number, state: number): void {
    this.#states[slot] = state;
  }

  /** How many have this state, in the bits of a mask. */
  count(state: number, mask = 0xffff): number {
    let count = 0;
    for (const each of this.#states) if ((each & mask) === state) count++;
    return count;
  }

  #search(words: Uint32Array): number {
    const table = this.#words;
    const [a, b, c, d] = words as unknown as [number, number, number, number];
    let slot = a & this.#mask;
    while (this.#states[slot] !== 0) {
      const at = slot * 4;
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) break;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }
}

function slotsFor(maxEntries: number): number {
  return Math.max(2, 2 ** Math.ceil(Math.log2((maxEntries + 1) / FILL)));
}
