/** How many entries of the log to ask for (`tail`), so that a poll costs what is new and not what is old. */
export interface WindowPolicy {
  /** Off: every poll reads without `tail`. */
  readonly enabled: boolean;
  /** Entries of an anchor. */
  readonly anchor: number;
}

/** Beyond this the Engine's way back from the end costs about what reading from the front costs. */
const LARGEST = 1_000_000;
/** Each widening asks for so many times more: all steps together cost a seventh more than the last alone. */
const FACTOR = 8;
const HEADROOM = 16;

/**
 * The first window of a poll.
 *
 * @param anchorLength entries of the cursor's anchor; 0 means the beginning of the log, which no window reaches
 * @param reach how many of the last entries proved the place of the cursor after the last poll; 0: not known
 * @param expected entries that may have been written since the last poll, by the container's recent rate
 * @returns entries, or undefined for the whole log
 */
export function firstWindow(
  policy: WindowPolicy,
  anchorLength: number,
  reach: number,
  expected: number,
): number | undefined {
  if (!policy.enabled || anchorLength === 0) return undefined;
  const window = Math.max(anchorLength, reach) + HEADROOM + Math.ceil(expected * 1.25);
  return window <= LARGEST ? window : undefined;
}

/** The next window when the anchor was not in the answer; undefined for the whole log. */
export function widerWindow(window: number): number | undefined {
  const wider = window * FACTOR;
  return wider <= LARGEST ? wider : undefined;
}

/**
 * A window that stays in front of a damaged place, as long as one so wide was not tried: past it the Engine's answer
 * is an error, or ends early, and where the damage is would be searched for anew at each poll.
 *
 * @param readable entries behind the damaged place; undefined: none is known
 * @param tried the window that did not reach the anchor
 */
export function inFrontOfDamage(
  window: number | undefined,
  readable: number | undefined,
  tried = 0,
): number | undefined {
  return readable === undefined || tried >= readable ? window : Math.min(window ?? Infinity, readable);
}

/** A container's rate of entries a second, which follows a rise at once and forgets it slowly. */
export function nextRate(rate: number, entries: number, seconds: number): number {
  if (seconds <= 0) return rate;
  const measured = entries / seconds;
  return measured >= rate ? measured : rate * 0.7 + measured * 0.3;
}
