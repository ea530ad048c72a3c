/** Settings that are allowed each, but not as they are together. */
export interface Conflict {
  /** The one at fault first. */
  readonly settings: readonly [string, ...string[]];
  /** What is wrong with the first; never holds a secret. */
  readonly problem: string;
  /** The part of the first that it is about: an index of a list, a key of a map. */
  readonly part?: string | number;
}

/** A conflict; see there. */
export function conflict(
  settings: readonly [string, ...string[]],
  problem: string,
  part?: string | number,
): Conflict {
  return { settings, problem, ...(part === undefined ? {} : { part }) };
}
