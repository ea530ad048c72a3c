import { isMarkerText } from '../../../src/collector/possible-gap.js';

/** A numbered line: who says it (name, generation, run), its number from 1, and padding. */
const NUMBERED = /^(\S+ \d+ \d+) (\d+) /;

/** What became of numbered lines. */
export interface Account {
  readonly written: number;
  readonly delivered: number;
  readonly lost: number;
  readonly twice: number;
  /** Delivered, but never written. */
  readonly unknown: number;
  /** Markers of gaps. */
  readonly gaps: number;
  /** Whose lines are lost, twice or unknown, for people; the first few. */
  readonly examples: readonly string[];
}

const EXAMPLES = 10;

/**
 * Keeps account of numbered lines as they come, in whatever order, in memory that does not grow with their
 * number: for a run of many hours.
 */
export class Ledger {
  readonly #speakers = new Map<string, Numbers>();
  readonly #strays: string[] = [];
  #unknown = 0;
  #gaps = 0;
  #delivered = 0;

  /** Lines that came, each as often as it came. */
  get delivered(): number {
    return this.#delivered;
  }

  add(line: string): void {
    const [, speaker, number] = NUMBERED.exec(line) ?? [];
    if (speaker === undefined) {
      if (isMarkerText(line)) this.#gaps++;
      else this.#stray(line);
      return;
    }
    let numbers = this.#speakers.get(speaker);
    if (numbers === undefined) this.#speakers.set(speaker, (numbers = new Numbers()));
    this.#delivered++;
    numbers.add(Number(number));
  }

  /** Whether all lines of a speaker up to this one have come. */
  holds(speaker: string, count: number): boolean {
    return count === 0 || (this.#speakers.get(speaker)?.complete ?? 0) >= count;
  }

  /** @param written how many lines each speaker has written */
  account(written: ReadonlyMap<string, number>): Account {
    const examples = this.#strays.map((line) => `unknown: ${line}`);
    const sum = { written: 0, lost: 0, twice: 0, unknown: this.#unknown };
    const tell = (what: string, speaker: string, count: number) => {
      if (count > 0 && examples.length < EXAMPLES) examples.push(`${what}: ${count} lines of "${speaker}"`);
    };
    for (const [speaker, count] of written) {
      const came = this.#speakers.get(speaker) ?? new Numbers();
      const lost = came.missingUpTo(count);
      sum.written += count;
      sum.lost += lost;
      tell('lost', speaker, lost);
    }
    for (const [speaker, came] of this.#speakers) {
      const unknown = came.behind(written.get(speaker) ?? 0);
      sum.unknown += unknown;
      sum.twice += came.twice;
      tell('unknown', speaker, unknown);
      tell('twice', speaker, came.twice);
    }
    return { ...sum, delivered: this.#delivered, gaps: this.#gaps, examples };
  }

  #stray(line: string): void {
    this.#unknown++;
    if (this.#strays.length < EXAMPLES) this.#strays.push(line.slice(0, 120));
  }
}

/** Numbers from 1 on that came, mostly in order. */
class Numbers {
  /** All up to this one have come. */
  complete = 0;
  twice = 0;
  /** Those that came before the ones in front of them. */
  readonly #early = new Set<number>();

  add(number: number): void {
    if (number <= this.complete || this.#early.has(number)) {
      this.twice++;
      return;
    }
    this.#early.add(number);
    while (this.#early.delete(this.complete + 1)) this.complete++;
  }

  missingUpTo(last: number): number {
    if (last <= this.complete) return 0;
    return last - this.complete - [...this.#early].filter((number) => number <= last).length;
  }

  /** How many came with a number over this one. */
  behind(last: number): number {
    const early = [...this.#early].filter((number) => number > last).length;
    return Math.max(this.complete - last, 0) + early;
  }
}
