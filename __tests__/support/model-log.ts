import type { LogSource } from '../../src/collector/log-source.js';
import type { EntrySink } from '../../src/docker/entry-sink.js';
import type { SinceSemantics } from '../../src/docker/api-version.js';
import { NS_PER_SECOND } from '../../src/model/nanoseconds.js';
import type { TestEntry } from './wire.js';

/**
 * A container's log as the Engine answers from it, in its smallest form: entries in file order; `tail` takes
 * the last ones, then `since` filters (Engine up to 23) or seeks (24 and later). Before all that, a compressed
 * file is passed over when the stamp written to it last is before `since`.
 */
export class ModelLog {
  entries: TestEntry[] = [];
  semantics: SinceSemantics = 'seek';
  /** Requests so far. */
  reads = 0;
  /** Entries that went over the wire. */
  sent = 0;
  /** Of the entries in compressed files: the stamp in the file's header. */
  readonly #headers = new Map<TestEntry, bigint>();
  /** Damaged entries, and how many behind each are passed over with it, without a word. */
  readonly damaged = new Map<TestEntry, number>();
  /** Cuts each answer after so many entries. */
  cutAfter = Infinity;
  /** The fault of an answer that is cut. */
  cutWith = new Error('broke off');

  read: LogSource = async (request, sink) => {
    await Promise.resolve();
    this.reads++;
    const since = request.since;
    let shown = this.entries.filter((entry) => since === undefined || !this.#isPassedOver(entry, since));
    if (request.tail !== undefined) shown = request.tail === 0 ? [] : shown.slice(-request.tail);
    if (since !== undefined) {
      if (this.semantics === 'filter') shown = shown.filter((entry) => entry.stamp >= since);
      else {
        const first = shown.findIndex((entry) => entry.stamp >= since);
        shown = first < 0 ? [] : shown.slice(first);
      }
    }
    shown = this.#readable(shown);
    const complete = shown.length <= this.cutAfter;
    const sent = shown.slice(0, this.cutAfter);
    for (let from = 0; from < sent.length; from += A_PIECE) {
      sendPiece(sink, sent.slice(from, from + A_PIECE));
      await request.flow?.pause();
    }
    this.sent += sent.length;
    return { bytes: 0, ...(complete ? {} : { fault: this.cutWith }) };
  };

  /** Ends the current file, and compresses it. */
  compress(): void {
    const header = this.entries.at(-1)?.stamp;
    if (header === undefined) return;
    for (const entry of this.entries) if (!this.#headers.has(entry)) this.#headers.set(entry, header);
  }

  #readable(entries: readonly TestEntry[]): TestEntry[] {
    let skip = 0;
    return entries.filter((entry) => {
      const lost = this.damaged.get(entry);
      if (lost !== undefined) skip = lost + 1;
      return skip-- <= 0;
    });
  }

  #isPassedOver(entry: TestEntry, since: bigint): boolean {
    const header = this.#headers.get(entry);
    return header !== undefined && header < since;
  }
}

/** Entries that come in one read. */
const A_PIECE = 3;

/** Hands over entries in one buffer, and overwrites it as soon as the sink has let go of it, as a reader does. */
function sendPiece(sink: EntrySink, entries: readonly TestEntry[]): void {
  const piece = Buffer.concat(entries.map(({ text }) => text));
  let at = 0;
  for (const { stream, stamp, text, terminated } of entries) {
    const end = at + text.length;
    const seconds = Number(stamp / NS_PER_SECOND);
    const nanos = Number(stamp % NS_PER_SECOND);
    sink.entry(stream, seconds, nanos, piece, at, end, terminated);
    at = end;
  }
  if (sink.letGo === undefined) return;
  sink.letGo();
  piece.fill('overwritten');
}
