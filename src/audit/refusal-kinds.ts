import type { Refusals } from './report.js';
import { FIRST_KIND, LAST_KIND } from './verdict-table.js';

/** Gives each kind of refusal a verdict of its own. */
export class RefusalKinds {
  readonly #kinds = new Map<string, { readonly verdict: number; readonly reason: string }>();

  verdictFor(kind: string, reason: string): number {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known.verdict;
    const verdict = FIRST_KIND + this.#kinds.size;
    // Later versions may know more kinds, but not that many.
    if (verdict > LAST_KIND) return LAST_KIND;
    this.#kinds.set(kind, { verdict, reason });
    return verdict;
  }

  /**
   * Adds up the refused lines by kind.
   *
   * @param has how many lines have a verdict
   * @returns all of them together
   */
  countInto(refusals: Refusals[], has: (verdict: number) => number): number {
    let all = 0;
    for (const [kind, { verdict, reason }] of this.#kinds) {
      const lines = has(verdict);
      if (lines === 0) continue;
      all += lines;
      const known = refusals.find((each) => each.kind === kind);
      if (known === undefined) refusals.push({ kind, lines, reason });
      else known.lines += lines;
    }
    return all;
  }
}
