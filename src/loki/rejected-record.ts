import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { formatStamp, type Nanoseconds } from '../model/nanoseconds.js';
import type { EntrySet } from './entry-set.js';
import type { RefusalKind } from './verdict.js';

/** Entries that Loki refused, for one reason. */
export interface Rejection {
  readonly entries: EntrySet;
  readonly status: number;
  readonly kind: RefusalKind;
  /** Loki's words; of several entries those for one of them. */
  readonly reason: string;
  /** The oldest timestamp that Loki accepts, where its words name it; whole seconds, ns. */
  readonly oldestAcceptable?: Nanoseconds;
  /** What the clock of who answered showed, where it is known; whole seconds, ns. */
  readonly answeredAt?: Nanoseconds;
}

/** One refused line, read from a rejected-lines file. */
export interface RejectedLine {
  /** When it was refused, RFC 3339. */
  readonly time: string;
  readonly status: number;
  /** A RefusalKind, of the version of Pollard that wrote it. */
  readonly kind: string;
  readonly reason: string;
  readonly container: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly structuredMetadata: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly stamp: Nanoseconds;
  readonly line: Buffer;
}

/** One line of JSON in a rejected-lines file. */
interface RejectedRecord {
  readonly text: string;
  /** Of the text, as UTF-8. */
  readonly bytes: number;
  /** How many refused lines it holds. */
  readonly entries: number;
}

/** A record is not made longer than this, unless a single line is. */
const MOST_BYTES = 64 * 1024;
const TAIL = ']}\n';

/**
 * Refused lines of one stream as JSON: `time` (RFC 3339), `status`, `kind`, `reason`, `container`, `labels`,
 * `structuredMetadata`, `tenant`, and `lines`. Each of these has `ts` (ns, as text), `line`, or `lineBase64` where the
 * bytes are no UTF-8, and `structuredMetadata` if it has its own. A record can be read by itself: two processes may
 * append to one file.
 */
class RecordMaker {
  readonly #entries: EntrySet;
  readonly #head: string;
  readonly #headBytes: number;

  constructor({ entries, status, kind, reason }: Rejection, now: Nanoseconds) {
    const { target } = entries;
    const common = JSON.stringify({
      time: formatStamp(now),
      status,
      kind,
      reason,
      container: target.containerName,
      labels: target.labels,
      structuredMetadata: target.structuredMetadata,
      ...(target.tenant === undefined ? {} : { tenant: target.tenant }),
    });
    this.#entries = entries;
    this.#head = `${common.slice(0, -1)},"lines":[`;
    this.#headBytes = Buffer.byteLength(this.#head);
  }

  /**
   * The record of as many entries as fit, from one of them on.
   *
   * @param room bytes
   * @returns undefined: there is no room for this entry
   */
  from(first: number, room: number): RejectedRecord | undefined {
    const lines: string[] = [];
    let bytes = this.#headBytes + TAIL.length;
    for (let at = first; at < this.#entries.size; at++) {
      const line = this.#line(at);
      const more = Buffer.byteLength(line) + (lines.length === 0 ? 0 : 1);
      if (bytes + more > room || (lines.length > 0 && bytes + more > MOST_BYTES)) break;
      lines.push(line);
      bytes += more;
    }
    if (lines.length === 0) return undefined;
    return { text: `${this.#head}${lines.join(',')}${TAIL}`, bytes, entries: lines.length };
  }

  #line(at: number): string {
    const { stamp, line, structuredMetadata } = this.#entries.entryAt(at);
    const text = isUtf8(line) ? { line: line.toString('utf8') } : { lineBase64: line.toString('base64') };
    const own = structuredMetadata === this.#entries.target.structuredMetadata ? {} : { structuredMetadata };
    return JSON.stringify({ ts: String(stamp), ...text, ...own });
  }
}

/** The records of refused entries, in their order, up to the first entry for which there is no room. */
export class RecordsThatFit implements Iterable<string> {
  readonly #rejections: readonly Rejection[];
  readonly #now: Nanoseconds;
  #room: number;
  #left: readonly Rejection[] = [];
  #written = 0;

  /** @param room bytes */
  constructor(rejections: readonly Rejection[], now: Nanoseconds, room = Infinity) {
    this.#rejections = rejections;
    this.#now = now;
    this.#room = room;
  }

  /** How many records were given out. */
  get written(): number {
    return this.#written;
  }

  /** The entries without room. Known once the records were gone through. */
  get left(): readonly Rejection[] {
    return this.#left;
  }

  *[Symbol.iterator](): Generator<string> {
    for (const [number, rejection] of this.#rejections.entries()) {
      const { entries } = rejection;
      const maker = new RecordMaker(rejection, this.#now);
      for (let done = 0; done < entries.size;) {
        const record = maker.from(done, this.#room);
        if (record === undefined) {
          const rest = { ...rejection, entries: entries.slice(done, entries.size) };
          this.#left = [rest, ...this.#rejections.slice(number + 1)];
          return;
        }
        this.#room -= record.bytes;
        this.#written++;
        done += record.entries;
        yield record.text;
      }
    }
  }
}

const strings = z.record(z.string(), z.string());
const lineShape = {
  ts: z.string().regex(/^-?\d{1,30}$/),
  line: z.string().optional(),
  lineBase64: z.base64().optional(),
};
const commonShape = {
  time: z.string(),
  status: z.number(),
  kind: z.string(),
  reason: z.string(),
  container: z.string(),
  labels: strings,
  structuredMetadata: strings,
  tenant: z.string().optional(),
};
const recordSchema = z.object({
  ...commonShape,
  lines: z.array(z.object({ ...lineShape, structuredMetadata: strings.optional() })).min(1),
});
/** As Pollard wrote them before records held several lines. */
const singleSchema = z.object({ ...commonShape, ...lineShape });

/** The refused lines of a record; undefined: this is no whole record. */
export function readRejectedRecord(text: string): readonly RejectedLine[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const record = recordSchema.safeParse(value);
  if (record.success) {
    const { lines, ...common } = record.data;
    return rejectedLines(common, lines);
  }
  const single = singleSchema.safeParse(value);
  if (!single.success) return undefined;
  const { ts, line, lineBase64, ...common } = single.data;
  return rejectedLines(common, [{ ts, line, lineBase64 }]);
}

interface ReadLine {
  readonly ts: string;
  readonly line?: string | undefined;
  readonly lineBase64?: string | undefined;
  readonly structuredMetadata?: Readonly<Record<string, string>> | undefined;
}

function rejectedLines(
  {
    tenant,
    ...common
  }: Omit<RejectedLine, 'stamp' | 'line' | 'tenant'> & { readonly tenant?: string | undefined },
  lines: readonly ReadLine[],
): readonly RejectedLine[] | undefined {
  if (lines.some(({ line, lineBase64 }) => line === undefined && lineBase64 === undefined)) return undefined;
  return lines.map(({ ts, line, lineBase64, structuredMetadata = common.structuredMetadata }) => ({
    ...common,
    ...(tenant === undefined ? {} : { tenant }),
    structuredMetadata,
    stamp: BigInt(ts),
    line: line === undefined ? Buffer.from(lineBase64 ?? '', 'base64') : Buffer.from(line, 'utf8'),
  }));
}
