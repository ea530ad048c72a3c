import type { AccountLine } from '../../../src/commands/demo/account.js';
import { readPiece } from '../../../src/model/line-piece.js';
import { CHUNK_BYTES } from '../../../src/simulators/engine/index.js';
import type { StoredEntry } from '../../../src/simulators/loki/index.js';
import { grouped, ofEngine, ofLoki, type SimulatedLine } from './account-lines.js';

/** Entries of a container's log that were destroyed in the Engine's files at one time, by their numbers. */
export interface Destruction {
  readonly first: number;
  readonly last: number;
  /** The number of the next entry that was logged after it. */
  readonly next: number;
}

/**
 * A long line, or one whose beginning was delivered before the rest of it was lost, or came too late, is in Loki in
 * pieces: its own bytes, which say which line they are of, or have its own stamp. If all of them are there, it counts as found; if not, it must be named like any
 * other, and the pieces count nowhere. Nor does what an Engine shows of a line of which a chunk was destroyed.
 *
 * @param stored of one container, as are the lines
 * @param shortened what an Engine may have shown of lines of which a chunk was destroyed
 */
export function withoutPieces(
  lines: readonly AccountLine[],
  shortened: readonly AccountLine[],
  stored: readonly StoredEntry[],
): StoredEntry[] {
  const written = grouped(lines, keyOfLine);
  const left = grouped(shortened, keyOfLine);
  const found: StoredEntry[] = [];
  for (const [key, all] of grouped(stored.map(withLineStamp), (entry) => keyOfLine(ofLoki('', entry)))) {
    const texts = textsOf(written.get(key));
    const short = textsOf(left.get(key));
    const entries = all.filter(({ line }) => texts.has(line) || !short.has(line));
    const pieces = entries.filter(({ line }) => {
      return !texts.has(line) && [...texts].some((text) => text.length > CHUNK_BYTES && text.includes(line));
    });
    found.push(...entries.filter((entry) => !pieces.includes(entry)));
    const [first] = pieces;
    const whole = pieces.map(({ line }) => line).join('');
    if (first !== undefined && texts.has(whole)) found.push({ ...first, line: whole });
  }
  return found;
}

/**
 * What an Engine may have shown of a line of which a chunk was destroyed. 20.10 passes over an entry that is JSON and no
 * log line without a word (moby v20.10: daemon/logger/jsonfilelog/read.go), and of the others nothing tells that they do
 * not belong together: all have the line's stamp. So they are read as one line. What was read before another destruction
 * stays delivered, also when that one destroys the rest of the line.
 *
 * @param destructions in the order in which they happened
 * @returns a text for each destruction that left something else of the line; none: nothing of it was destroyed
 */
export function leftTexts(line: SimulatedLine, destructions: readonly Destruction[]): string[] {
  const texts = new Set<string>();
  let left = line.chunks;
  destructions.forEach(({ first, last }, index) => {
    const before = left.length;
    left = left.filter(({ sequence }) => sequence < first || sequence > last);
    // Until the next destruction, of which the chunks that were logged after it are not part of what could be read.
    const { next = Infinity } = destructions[index + 1] ?? {};
    const shown = left.filter(({ sequence }) => sequence < next);
    const isWhole = before === line.chunks.length && left.length === before;
    if (isWhole || shown.length === 0) return;
    texts.add(ofEngine({ ...line, text: Buffer.concat(shown.map(({ text }) => text)) }).text);
  });
  return [...texts];
}

/** A piece counts at the timestamp of its line. */
function withLineStamp(entry: StoredEntry): StoredEntry {
  const piece = readPiece(entry.metadata);
  return piece === undefined ? entry : { ...entry, stamp: piece.lineId };
}

function textsOf(lines: readonly AccountLine[] = []): Set<string> {
  return new Set(lines.map(({ text }) => text));
}

function keyOfLine({ stream, seconds, nanos }: AccountLine): string {
  return `${stream} ${seconds} ${nanos}`;
}
