import type { AccountLine } from '../../../src/commands/demo/account.js';
import { readPiece } from '../../../src/model/line-piece.js';
import { CHUNK_BYTES } from '../../../src/simulators/engine/index.js';
import type { StoredEntry } from '../../../src/simulators/loki/index.js';
import { grouped, ofEngine, ofLoki, type SimulatedLine } from './account-lines.js';

/** Of an entry, by its number in a container's log. */
export type IsDestroyed = (containerId: string, sequence: number) => boolean;

/**
 * A long line, or one whose beginning was delivered before the rest of it was lost, or came too late, is in Loki in
 * pieces: its own bytes, which say which line they are of, or have its own stamp. If all of them are there, it counts as found; if not, it must be named like any
 * other, and the pieces count nowhere. Nor does what an Engine shows of a line of which a chunk was destroyed.
 *
 * @param stored of one container, as are the lines
 */
export function withoutPieces(
  lines: readonly SimulatedLine[],
  stored: readonly StoredEntry[],
  isDestroyed: IsDestroyed = () => false,
): StoredEntry[] {
  const written = grouped(lines.map(ofEngine), keyOfLine);
  const shortened = grouped(
    lines.flatMap((line) => leftOf(line, isDestroyed) ?? []),
    keyOfLine,
  );
  const found: StoredEntry[] = [];
  for (const [key, all] of grouped(stored.map(withLineStamp), (entry) => keyOfLine(ofLoki('', entry)))) {
    const texts = textsOf(written.get(key));
    const short = textsOf(shortened.get(key));
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
 * What an Engine shows of a line of which a chunk was destroyed. 20.10 passes over an entry that is JSON and no log line
 * without a word (moby v20.10: daemon/logger/jsonfilelog/read.go), and of the others nothing tells that they do not
 * belong together: all have the line's stamp. So they are read as one line. Undefined: nothing of it was destroyed.
 */
function leftOf(line: SimulatedLine, isDestroyed: IsDestroyed): AccountLine | undefined {
  const left = line.chunks.filter(({ sequence }) => !isDestroyed(line.containerId, sequence));
  if (left.length === line.chunks.length) return undefined;
  return ofEngine({ ...line, text: Buffer.concat(left.map(({ text }) => text)) });
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
