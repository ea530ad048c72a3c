import { Account, type AccountLine, type Tally } from '../../../src/commands/demo/account.js';
import { isMarkerText, isPossibleGapText, markedSpan } from '../../../src/collector/possible-gap.js';
import { UnstoredSpans } from '../../../src/audit/unstored-spans.js';
import { stampOf } from '../../../src/loki/read/stamp-range.js';
import { readRejectedLines, readRejectedSummary } from '../../../src/loki/rejected-reader.js';
import { readPiece } from '../../../src/model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../../src/model/nanoseconds.js';
import type { AnchorEntry, Cursor, OpenLine } from '../../../src/model/cursor.js';
import type { EngineSimulator, WrittenLine } from '../../../src/simulators/engine/index.js';
import type { LokiSimulator, StoredEntry } from '../../../src/simulators/loki/index.js';
import { at, grouped, keyOf, ofEngine, ofLoki, type SimulatedLine } from './account-lines.js';
import { deliveredLines, type DeliveredEntry } from './delivered-lines.js';
import { leftTexts, withoutPieces, type Destruction } from './pieces.js';

/** What an account is made of. */
export interface AccountSources {
  readonly engine: Pick<EngineSimulator, 'written' | 'containers' | 'find'>;
  readonly loki: Pick<LokiSimulator, 'entries' | 'hiddenEntries'>;
  readonly rejectedFile: string;
  /** Whether a container that is gone was named as missed, or could be seen by nobody: its lines need not be there. */
  readonly mayLack: (containerId: string) => boolean;
  /**
   * Where containers that may lack lines were left: what ends behind that need not be there, and of one that is not
   * among them nothing need. A push that was not finished may have left some of it in Loki. Left out: nobody knows, and
   * each was left at the last line that is there.
   */
  readonly places?: ReadonlyMap<string, Place>;
  /** Of a line: whether it was rotated away before anybody could know that it was there. Default: none was. */
  readonly neverSeen?: (line: WrittenLine) => boolean;
  /** Lines that the simulated Engine makes up under a fault, and that no container wrote. */
  readonly madeUp?: RegExp | undefined;
  /** What was destroyed in the Engine's files of a container's log, in the order in which it was. Default: nothing. */
  readonly destructions?: (containerId: string) => readonly Destruction[];
}

/** Of a cursor, what tells which lines were delivered. */
export type Place = Pick<Cursor, 'anchor' | 'open'>;

/** What became of the lines of one container. */
export interface ContainerAccount extends Tally {
  readonly name: string;
  /** It is gone, and its lines need not be there. */
  readonly lacking: boolean;
  /** Lines in Loki under two names of their container: replayed behind a crash that a rename was near. */
  readonly underTwoNames: number;
  /**
   * Of the lines that are named: their stamps lie between those of a mark, but the mark does not stand where they are
   * missing. So it may be where the clock was set.
   */
  readonly byStampOnly: number;
  /** What the marks of gaps say. */
  readonly marks: readonly string[];
}

/**
 * Holds every line that each container ever wrote against what is in Loki, in the rejected-lines file, and named
 * as lost: the account of `pollard demo`, kept container by container.
 *
 * @returns by the container's id
 */
export async function accountsOf(sources: AccountSources): Promise<Map<string, ContainerAccount>> {
  const { engine, loki, rejectedFile, madeUp, neverSeen = () => false, places } = sources;
  const { destructions = () => [] } = sources;
  const entries = loki.entries().filter(({ line }) => madeUp?.test(line) !== true);
  const found = grouped(entries, ({ metadata }) => metadata['container_id'] ?? '');
  const hidden = grouped(loki.hiddenEntries(), ({ metadata }) => metadata['container_id'] ?? '');
  const refused = await refusals(rejectedFile);
  const { rows: unstored } = await readRejectedSummary(rejectedFile);
  const present = new Set(engine.containers.map(({ id }) => id));
  const accounts = new Map<string, ContainerAccount>();
  const written = grouped(engine.written(), ({ containerId }) => containerId);
  // Lines of nobody must not stay unseen.
  for (const id of new Set([...written.keys(), ...found.keys(), ...present])) {
    const lines = written.get(id) ?? [];
    const lacking = !present.has(id) && sources.mayLack(id);
    const account = new Account(lines.length);
    const { once, underTwoNames } = withoutSecondNames(found.get(id) ?? []);
    const isUnstored = unstored.filter(({ containerId }) => containerId === id);
    const counts = new UnstoredSpans(isUnstored);
    const destroyed = destructions(id);
    const leftOf = (line: SimulatedLine): string[] => leftTexts(line, destroyed);
    const delivered = deliveredLines(lines, {
      entries: [
        ...once.map((entry) => ({ line: ofLoki(id, entry), piece: readPiece(entry.metadata) })),
        ...(refused.get(id) ?? []),
      ],
      leftOf,
      isCounted: ({ stream }, stamp) => counts.explain(stream, stamp) !== undefined,
      isUnread: neverSeen,
    });
    const shown: Shown = (line) => delivered.get(line) ?? ofEngine(line);
    const shortened = lines.flatMap((line) => leftOf(line).map((text) => ({ ...shown(line), text })));
    const stored = withoutPieces(lines.map(shown), shortened, once);
    const isStored = new Set(stored.map((entry) => keyOf(ofLoki(id, entry))));
    const elsewhere = foldedElsewhere(lines.map(shown), isStored, hidden.get(id) ?? []);
    const counted = new UnstoredSpans(isUnstored);
    const kept = [
      ...(refused.get(id) ?? []),
      ...lines.flatMap((each) => {
        const line = shown(each);
        if (isStored.has(keyOf(line)) || elsewhere.has(keyOf(line))) return [];
        const refusal = counted.explain(each.stream, stampOf(line.seconds, line.nanos));
        return refusal === undefined ? [] : [{ line, reason: refusal.reason }];
      }),
    ];
    const there = new Set([...isStored, ...elsewhere.keys(), ...kept.map(({ line }) => keyOf(line))]);
    const behind = lacking ? behindPlace(lines, shown, there, places, id) : [];
    const unread = new Set([...lines.filter(neverSeen), ...behind]);
    const visit = (see: Parameters<Parameters<Account['close']>[0]>[0]): Promise<void> => {
      for (const line of lines) see({ ...shown(line), due: !unread.has(line) });
      return Promise.resolve();
    };
    await visit((line) => account.wrote(line));
    for (const entry of stored) account.found(ofLoki(id, entry));
    for (const line of elsewhere.values()) account.found(line);
    for (const { line, reason } of kept) {
      // A mark has the stamp of what stands behind the gap, and is refused with it.
      if (isMarkerText(line.text)) account.found(line);
      else account.refused(line, reason);
    }
    const tally = await account.close(visit);
    const marks = [...once.map(({ line }) => line), ...kept.map(({ line }) => line.text)].filter(
      isMarkerText,
    );
    const isThere = (line: SimulatedLine): boolean => there.has(keyOf(shown(line)));
    const isMissing = (line: SimulatedLine): boolean => !unread.has(line) && !isThere(line);
    const { byPlace, byStampOnly } = namedByMarks(lines, shown, isMissing, isThere, marks);
    accounts.set(id, {
      ...tally,
      // Loki keeps them, but does not show them as lines of this container.
      inLoki: tally.inLoki - elsewhere.size,
      folded: tally.folded + elsewhere.size,
      lost: tally.lost - byPlace.length,
      named: tally.named + byPlace.length,
      samples: {
        ...tally.samples,
        lost: tally.samples.lost.filter((line) => !byPlace.includes(keyOf(line))),
      },
      name: lines.at(-1)?.containerName ?? engine.find(id)?.name ?? '',
      lacking,
      underTwoNames,
      byStampOnly,
      marks,
    });
  }
  return accounts;
}

/** A line as it is delivered, with the timestamp that it gets. */
type Shown = (line: SimulatedLine) => AccountLine;

/**
 * The lines that were sent and accepted, and that Loki keeps as equal lines of another container: before 3.7 it folds
 * equal lines of one nanosecond and stream whatever their structured metadata (pkg/chunkenc/unordered.go), and
 * containers that have one name one after the other share a stream. A clock that is set back can bring such lines.
 *
 * @param hidden entries of the container that Loki does not show
 * @returns by their keys; none of a line that is also stored by itself
 */
function foldedElsewhere(
  lines: readonly AccountLine[],
  isStored: ReadonlySet<string>,
  hidden: readonly StoredEntry[],
): ReadonlyMap<string, AccountLine> {
  if (hidden.length === 0) return new Map();
  const hiddenKeys = new Set(hidden.map((entry) => keyOf(ofLoki('', entry))));
  const folded = lines.filter((line) => {
    const key = keyOf(line);
    return hiddenKeys.has(key) && !isStored.has(key);
  });
  return new Map(folded.map((line) => [keyOf(line), line]));
}

/** The lines of a container that is gone which need not be there: what ends behind the place it was left at. */
function behindPlace(
  lines: readonly SimulatedLine[],
  shown: Shown,
  there: ReadonlySet<string>,
  places: ReadonlyMap<string, Place> | undefined,
  id: string,
): SimulatedLine[] {
  const place = places?.get(id);
  if (places === undefined || place?.anchor.length === 0) return behindTheLast(lines, shown, there);
  const absent = lines.filter((line) => !there.has(keyOf(shown(line))));
  if (place === undefined) return absent;
  const is = (line: SimulatedLine, { stamp, stream }: AnchorEntry | OpenLine): boolean =>
    line.stampNs === stamp && line.stream === stream;
  const end = place.anchor.at(-1);
  // The first of this stamp: others of it may stand behind the place.
  const entry = end && lines.find((line) => is(line, end));
  return absent.filter(
    (line) => (entry !== undefined && line.last > entry.first) || place.open.some((open) => is(line, open)),
  );
}

/**
 * The lines of a container that is gone which need not be there, where its place is not known: what came in its streams after the last line that is.
 * All before it was read.
 *
 * @param lines in the order of the log
 */
function behindTheLast(
  lines: readonly SimulatedLine[],
  shown: Shown,
  there: ReadonlySet<string>,
): SimulatedLine[] {
  return (['stdout', 'stderr'] as const).flatMap((stream) => {
    const ofStream = lines.filter((line) => line.stream === stream);
    const last = ofStream.findLastIndex((line) => there.has(keyOf(shown(line))));
    return ofStream.slice(last + 1);
  });
}

/**
 * Of the lines that are missing, those that the marks of gaps name by their place in the log, and not by the stamps
 * around it: the clock was set, and the lines inside of a gap have stamps of another time. And how many are named the
 * other way round. Some of the lines inside of a gap may be there: pushed before a crash, and not committed.
 *
 * @param lines all that there were
 * @param isMissing whether a line should be there, and is not
 */
function namedByMarks(
  lines: readonly SimulatedLine[],
  shown: Shown,
  isMissing: (line: SimulatedLine) => boolean,
  isThere: (line: SimulatedLine) => boolean,
  marks: readonly string[],
): { readonly byPlace: readonly string[]; readonly byStampOnly: number } {
  const inOrder = [...lines].sort((a, b) => a.first - b.first);
  const gaps = marks.flatMap((mark) => {
    const span = markedSpan(mark);
    if (span === undefined) return [];
    // A possible gap begins with the log.
    return isPossibleGapText(mark) ? [{ ...span, lastDelivered: 0n }] : [span];
  });
  // A mark begins with the earlier stamp, also where the clock was set back inside of the gap.
  const directions = gaps.flatMap(({ lastDelivered: a, firstAvailable: b }): [Nanoseconds, Nanoseconds][] => [
    [a, b],
    [b, a],
  ]);
  const places = directions.flatMap(([before, behind]) => {
    // A gap that begins with the log has a mark that begins with the container's creation, in whole seconds. Lines may
    // be written with stamps from before it.
    const isCreation = before % NS_PER_SECOND === 0n && before <= (inOrder[0]?.stampNs ?? before);
    const isBeginning = isCreation || inOrder.every(({ stampNs }) => before < stampNs);
    const from = isBeginning ? 0 : inOrder.find(({ stampNs }) => stampNs === before)?.first;
    if (from === undefined) return [];
    const ends = inOrder.filter(({ stampNs, first }) => first >= from && stampNs === behind);
    // Of several of this stamp some may be inside of the gap. Of one that came in part, the whole is not there.
    const to = (ends.find(isThere) ?? ends[0])?.last;
    return to === undefined ? [] : [{ from, to }];
  });
  const byPlace = new Set<string>();
  let byStampOnly = 0;
  for (const line of lines) {
    if (!isMissing(line)) continue;
    const { seconds, nanos } = shown(line);
    const stamp = stampOf(seconds, nanos);
    const isBetween = gaps.some(
      ({ lastDelivered, firstAvailable }) => lastDelivered <= stamp && stamp <= firstAvailable,
    );
    const isInPlace = places.some(({ from, to }) => from <= line.last && line.first <= to);
    // Equal lines count once.
    if (isInPlace && !isBetween) byPlace.add(keyOf(shown(line)));
    else if (isBetween && !isInPlace) byStampOnly++;
  }
  return { byPlace: [...byPlace], byStampOnly };
}

/** Entries without those that are there once more under another name of their container. */
function withoutSecondNames(entries: readonly StoredEntry[]): {
  readonly once: StoredEntry[];
  readonly underTwoNames: number;
} {
  const names = new Map<string, string>();
  const once = entries.filter((entry) => {
    const key = keyOf(ofLoki('', entry));
    const { container = '' } = entry.labels;
    const name = names.get(key);
    if (name === undefined) names.set(key, container);
    return name === undefined || name === container;
  });
  return { once, underTwoNames: entries.length - once.length };
}

interface Refused extends DeliveredEntry {
  readonly reason: string;
}

async function refusals(path: string): Promise<Map<string, Refused[]>> {
  const all: Refused[] = [];
  for await (const { labels, structuredMetadata, stamp, line, reason } of readRejectedLines(path)) {
    const containerId = structuredMetadata['container_id'] ?? '';
    const stream = labels['stream'] === 'stderr' ? 2 : 1;
    const refused = { ...at(stamp), containerId, stream, text: line.toString('utf8') } as const;
    all.push({ line: refused, piece: readPiece(structuredMetadata), reason });
  }
  return grouped(all, ({ line }) => line.containerId);
}
