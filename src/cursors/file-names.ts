import { formatStamp, type Nanoseconds } from '../model/nanoseconds.js';

/** How many damaged files are kept for whoever wants to look into them; the oldest go first. */
const MAX_KEPT = 50;

const LEFTOVER = /^[0-9a-f]{64}\.json\.tmp$/;
const KEPT = /^[0-9a-f]{64}\.json\.corrupt-(\d{8}T\d{6}\.\d{9}Z)$/;

export function cursorFile(id: string): string {
  return `${id}.json`;
}

/** Where a cursor is written before it takes its place. One writer a container, so one name is enough. */
export function temporaryFile(id: string): string {
  return `${id}.json.tmp`;
}

/** Whether a crash left this file behind. */
export function isLeftover(name: string): boolean {
  return LEFTOVER.test(name);
}

/** The name under which a damaged file is kept: with the time, in letters that sort. */
export function keptName(id: string, at: Nanoseconds): string {
  return `${id}.json.corrupt-${formatStamp(at).replaceAll(/[-:]/g, '')}`;
}

/** Whether this is a damaged file that was moved aside. */
export function isKept(name: string): boolean {
  return KEPT.test(name);
}

/** Which of the damaged files are too many. */
export function outdatedKept(names: readonly string[]): string[] {
  const kept = names
    .map((name) => ({ name, at: KEPT.exec(name)?.[1] }))
    .filter((file): file is { name: string; at: string } => file.at !== undefined)
    .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  return kept.slice(MAX_KEPT).map(({ name }) => name);
}
