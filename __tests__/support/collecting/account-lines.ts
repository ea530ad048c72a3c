import { nanosOf, secondsOf } from '../../../src/loki/read/stamp-range.js';
import type { AccountLine } from '../../../src/commands/demo/account.js';
import type { Nanoseconds } from '../../../src/model/nanoseconds.js';
import type { WrittenLine } from '../../../src/simulators/engine/index.js';
import type { StoredEntry } from '../../../src/simulators/loki/index.js';

/** A line that a simulated container wrote. */
export type SimulatedLine = WrittenLine & { readonly tty: boolean };

export function ofEngine({ containerId, stream, stampNs, text, tty }: SimulatedLine): AccountLine {
  const shown = text.toString('utf8');
  return {
    ...at(stampNs),
    containerId,
    stream: stream === 'stdout' ? 1 : 2,
    // The terminal's, not the line's.
    text: tty && shown.endsWith('\r') ? shown.slice(0, -1) : shown,
  };
}

export function ofLoki(containerId: string, { labels, stamp, line }: StoredEntry): AccountLine {
  return { ...at(stamp), containerId, stream: labels['stream'] === 'stderr' ? 2 : 1, text: line };
}

export function at(stamp: Nanoseconds): { seconds: number; nanos: number } {
  return { seconds: secondsOf(stamp), nanos: nanosOf(stamp) };
}

/** Tells lines of one container apart. */
export function keyOf({ stream, seconds, nanos, text }: AccountLine): string {
  return `${stream} ${seconds} ${nanos} ${text}`;
}

export function grouped<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
