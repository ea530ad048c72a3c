import type { Nanoseconds } from '../model/nanoseconds.js';
import type { EntryBatch } from './batch.js';
import type { EntrySet } from './entry-set.js';
import type { Rejection } from './rejected-record.js';
import type { ClockSkew, TooNewEntries, TooNewWaits } from './too-new-waits.js';

/**
 * Decides about the entries of a batch that Loki refused as too new.
 *
 * @param rejections all of the batch
 * @returns which clock is wrong: they are to be sent again later; undefined: none was refused, or the refusal counts
 */
export function waitForTooNew(
  waits: TooNewWaits,
  batch: EntryBatch,
  rejections: readonly Rejection[],
): ClockSkew | undefined {
  const holds = (stamp: Nanoseconds): boolean =>
    batch.oldest <= stamp && stamp <= batch.newest && hasStamp(batch.all(), stamp);
  return waits.settled(batch.target, holds, tooNewOf(rejections));
}

/**
 * Of entries some of which were refused as too new before, the oldest of these goes alone: if it is refused again, so
 * are those that are newer, and need not be sent.
 *
 * @param from the timestamp from which on entries were refused
 */
export function oldestRefusedApart(entries: EntrySet, from: Nanoseconds): EntrySet[] {
  const [refused, others] = entries.partition((stamp) => stamp >= from);
  if (refused.size === 0) return [entries];
  const sorted = refused.byStamp();
  return [others, sorted.slice(0, 1), sorted.slice(1, sorted.size)];
}

function tooNewOf(rejections: readonly Rejection[]): TooNewEntries | undefined {
  let found: TooNewEntries | undefined;
  for (const { kind, entries, answeredAt: lokiTime } of rejections) {
    if (kind !== 'too-new') continue;
    for (let i = 0; i < entries.size; i++) {
      const oldest = entries.stampAt(i);
      if (found === undefined || oldest < found.oldest) found = { oldest, lokiTime };
    }
  }
  return found;
}

function hasStamp(entries: EntrySet, stamp: Nanoseconds): boolean {
  for (let i = 0; i < entries.size; i++) if (entries.stampAt(i) === stamp) return true;
  return false;
}
