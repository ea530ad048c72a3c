import { expect } from '@jest/globals';
import type { CollectingWorld } from '../collecting/index.js';
import { until } from '../until.js';

/** What became of all lines that all containers wrote, in sum. */
export interface Figures {
  readonly written: number;
  readonly inLoki: number;
  /** Lost in the Engine, and named by the mark of a gap. */
  readonly named: number;
  /** Refused by Loki, and kept with its reason. */
  readonly rejected: number;
  readonly lost: number;
  readonly twice: number;
  readonly unknown: number;
  /** Marks of gaps in Loki. */
  readonly marks: number;
}

/** So many lines were written, each is in Loki, and nothing else is. */
export function eachOnce(lines: number): Figures {
  return { written: lines, inLoki: lines, named: 0, rejected: 0, lost: 0, twice: 0, unknown: 0, marks: 0 };
}

/** The accounts of all containers, summed up; lines of one that was named as missed are left out. */
export async function figuresOf(world: CollectingWorld): Promise<Figures> {
  const sum = { ...eachOnce(0) } as { -readonly [key in keyof Figures]: number };
  for (const { written, inLoki, named, rejected, lost, twice, unknown, marks } of (
    await world.accounts()
  ).values()) {
    sum.written += written;
    sum.inLoki += inLoki;
    sum.named += named;
    sum.rejected += rejected;
    sum.lost += lost;
    sum.twice += twice;
    sum.unknown += unknown;
    sum.marks += marks.length;
  }
  return sum;
}

/** Waits until Loki holds so many entries: also those of a container that was left alone, and started again. */
export async function untilStored({ loki, log }: CollectingWorld, entries: number): Promise<void> {
  await until(`Loki holds ${entries} entries`, () => loki.counts().entries >= entries, {
    instead: () => [loki.counts(), log.messages.slice(-3)],
  });
}

/**
 * Stops the service, and looks at what it leaves behind: every connection it ever opened is closed, and it never
 * asked the Engine for a stream, nor for anything that changes it.
 */
export async function expectNothingHeld(world: CollectingWorld): Promise<void> {
  const { engine } = world;
  await world.stop();
  const { open, opened, closed } = world.service.ledger;
  expect({ open, closed }).toEqual({ open: 0, closed: opened });
  // The Engine learns a little later that a connection was closed.
  await until('the Engine has no connection open', () => engine.connections().open === 0);
  expect(engine.requests.violations).toEqual([]);
  expect(engine.requests.all.filter(({ method }) => method !== 'GET')).toEqual([]);
}
