import type { AccountLine } from '../../../src/commands/demo/account.js';
import { stampOf } from '../../../src/loki/read/stamp-range.js';
import type { LinePiece } from '../../../src/model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../../src/model/nanoseconds.js';
import { CHUNK_BYTES } from '../../../src/simulators/engine/index.js';
import { at, grouped, keyOf, ofEngine, type SimulatedLine } from './account-lines.js';

/** A line, or a piece of one, that was delivered: it is in Loki or in the rejected-lines file. */
export interface DeliveredEntry {
  readonly line: AccountLine;
  readonly piece: LinePiece | undefined;
}

export interface DeliveryFacts {
  /** Of the container whose lines they are. */
  readonly entries: readonly DeliveredEntry[];
  /** What an Engine may have shown of a line of which a chunk was destroyed. */
  readonly leftOf: (line: SimulatedLine) => readonly string[];
  /** Whether the summary of the rejected lines counts a line of this timestamp; each count is used up once. */
  readonly isCounted: (line: SimulatedLine, stamp: Nanoseconds) => boolean;
  /** Whether a line need not have been read. Of equal lines, those that had to be read are found first. */
  readonly isUnread: (line: SimulatedLine) => boolean;
}

/** Timestamps that lines or pieces of a stream have taken, ns, both included. */
interface Stretch {
  /** As the Engine has it. */
  readonly stamp: Nanoseconds;
  readonly assigned: Nanoseconds;
}

/** A line with the timestamp that it was delivered with. */
interface Placed {
  readonly line: SimulatedLine;
  /** Undefined: it was not delivered, and equal lines of its timestamp are moved apart. */
  readonly stamp: Nanoseconds | undefined;
}

/**
 * The lines of one container with the timestamps that the collector delivers them with. The k-th line of a whole second
 * comes k-1 ns after it, the pieces of a long line follow each other by 1 ns, and a line whose timestamp was taken so
 * comes after them (src/collector/moved-stamps.ts, with `lines.equal_stamps: keep`). Only what was delivered takes a
 * timestamp: a line that was lost before it was read moves nothing.
 *
 * A line that was not delivered gets a timestamp of its own as well where equal lines are moved apart, since none of
 * them is folded there.
 *
 * Where lines of a whole second were lost, a line equal to one of them that came within nanoseconds after it, or after
 * the clock was set back, may be taken for it. Then a line may be reported as unexplained that is not.
 *
 * @param lines in the order of each stream
 */
export function deliveredLines(
  lines: readonly SimulatedLine[],
  facts: DeliveryFacts,
): Map<SimulatedLine, AccountLine> {
  const there = new Set(facts.entries.filter(({ piece }) => !piece).map(({ line }) => keyOf(line)));
  const placed = (['stdout', 'stderr'] as const).flatMap((stream) => {
    return placeStream(
      lines.filter((line) => line.stream === stream),
      facts,
      there,
    );
  });
  const used = new Set([
    ...there,
    ...placed.flatMap(({ line, stamp }) => (stamp === undefined ? [] : [keyOf(withStamp(line, stamp))])),
  ]);
  const result = new Map<SimulatedLine, AccountLine>();
  for (const equal of grouped(placed, ({ line }) => keyOf(ofEngine(line))).values()) {
    const stamps = equal.flatMap(({ stamp }) => stamp ?? []);
    const [due, unread] = [false, true].map((is) => equal.filter(({ line }) => facts.isUnread(line) === is));
    for (const { line } of [...(due ?? []), ...(unread ?? [])]) {
      let stamp = stamps.shift();
      if (stamp === undefined) {
        stamp = line.stampNs;
        while (used.has(keyOf(withStamp(line, stamp)))) stamp++;
        used.add(keyOf(withStamp(line, stamp)));
      }
      result.set(line, withStamp(line, stamp));
    }
  }
  return result;
}

/** Goes through the lines of one stream as the collector does. */
function placeStream(
  lines: readonly SimulatedLine[],
  { entries, leftOf, isCounted }: DeliveryFacts,
  there: ReadonlySet<string>,
): Placed[] {
  const pieces = grouped(
    entries.filter(({ piece }) => piece !== undefined),
    ({ line, piece }) => `${line.stream} ${piece?.lineId}`,
  );
  let stretch: Stretch | undefined;
  return lines.map((line) => {
    const { stampNs } = line;
    const shown = ofEngine(line);
    const isWholeSecond = stampNs % NS_PER_SECOND === 0n;
    const stamp = nextStamp(stretch, stampNs, isWholeSecond);
    const asDelivered = withStamp(line, stamp);
    const isDelivered =
      there.has(keyOf(asDelivered)) ||
      leftOf(line).some((text) => there.has(keyOf({ ...asDelivered, text })));
    const lineId = nextStamp(stretch, stampNs, true);
    const isLong = shown.text.length > CHUNK_BYTES;
    const own = isLong && !isDelivered ? (pieces.get(`${shown.stream} ${lineId}`) ?? []) : [];
    const count = own.filter(({ line: { text } }) => shown.text.includes(text)).length;
    if (count > 0) {
      stretch = after(stretch, stampNs, lineId, count);
      return { line, stamp: lineId };
    }
    if (stamp === stampNs && !isWholeSecond) {
      // Past the stretch.
      if (isDelivered && stretch !== undefined && stampNs > stretch.assigned) stretch = undefined;
      return { line, stamp };
    }
    if (!isDelivered && !isCounted(line, stamp)) return { line, stamp: undefined };
    stretch = after(stretch, stampNs, stamp, 1);
    return { line, stamp };
  });
}

/** The timestamp of the next line. @param moves whether it is moved by a single line of its own timestamp, too */
function nextStamp(stretch: Stretch | undefined, stamp: Nanoseconds, moves: boolean): Nanoseconds {
  if (stretch === undefined || stamp < stretch.stamp || stamp > stretch.assigned) return stamp;
  return moves || stretch.stamp < stretch.assigned ? stretch.assigned + 1n : stamp;
}

/** What is taken with a line of so many entries, of which the first one has the timestamp `assigned`. */
function after(
  stretch: Stretch | undefined,
  stamp: Nanoseconds,
  assigned: Nanoseconds,
  entries: number,
): Stretch {
  const goesOn = stretch !== undefined && assigned === stretch.assigned + 1n && stamp <= stretch.assigned;
  return {
    stamp: goesOn && entries === 1 ? stretch.stamp : stamp,
    assigned: assigned + BigInt(entries - 1),
  };
}

function withStamp(line: SimulatedLine, stamp: Nanoseconds): AccountLine {
  const shown = ofEngine(line);
  return stampOf(shown.seconds, shown.nanos) === stamp ? shown : { ...shown, ...at(stamp) };
}
