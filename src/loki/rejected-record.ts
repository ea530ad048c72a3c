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

/** One line of a rejected-lines file, read. */
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

/**
 * JSON lines of refused entries: `time` (RFC 3339), `status`, `kind`, `reason`, `container`, `labels`,
 * `structuredMetadata`, `tenant`, `ts` (ns, as text), and `line`, or `lineBase64` where the bytes are no UTF-8.
 */
export function* rejectedRecords(rejection: Rejection, now: Nanoseconds): Generator<string> {
  const { entries, status, kind, reason } = rejection;
  const { target } = entries;
  const common = {
    time: formatStamp(now),
    status,
    kind,
    reason,
    container: target.containerName,
    labels: target.labels,
    ...(target.tenant === undefined ? {} : { tenant: target.tenant }),
  };
  for (let i = 0; i < entries.size; i++) {
    const { stamp, line, structuredMetadata } = entries.entryAt(i);
    const text = isUtf8(line) ? { line: line.toString('utf8') } : { lineBase64: line.toString('base64') };
    yield `${JSON.stringify({ ...common, structuredMetadata, ts: String(stamp), ...text })}\n`;
  }
}

/** The records of refused entries, in their order, up to the first one for which there is no room. */
export class RecordsThatFit implements Iterable<string> {
  readonly #rejections: readonly Rejection[];
  readonly #now: Nanoseconds;
  #room: number;
  #left: readonly Rejection[] = [];
  #written = 0;

  /** @param room bytes */
  constructor(rejections: readonly Rejection[], now: Nanoseconds, room: number) {
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
      let done = 0;
      for (const record of rejectedRecords(rejection, this.#now)) {
        this.#room -= Buffer.byteLength(record);
        if (this.#room < 0) {
          const { entries } = rejection;
          const rest = { ...rejection, entries: entries.slice(done, entries.size) };
          this.#left = [rest, ...this.#rejections.slice(number + 1)];
          return;
        }
        done++;
        this.#written++;
        yield record;
      }
    }
  }
}

const strings = z.record(z.string(), z.string());
const schema = z.object({
  time: z.string(),
  status: z.number(),
  kind: z.string(),
  reason: z.string(),
  container: z.string(),
  labels: strings,
  structuredMetadata: strings,
  tenant: z.string().optional(),
  ts: z.string().regex(/^-?\d{1,30}$/),
  line: z.string().optional(),
  lineBase64: z.base64().optional(),
});

/** Undefined: this is no whole record. */
export function readRejectedRecord(text: string): RejectedLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = schema.safeParse(value);
  if (!read.success) return undefined;
  const { ts, line, lineBase64, tenant, ...rest } = read.data;
  if (line === undefined && lineBase64 === undefined) return undefined;
  return {
    ...rest,
    ...(tenant === undefined ? {} : { tenant }),
    stamp: BigInt(ts),
    line: line === undefined ? Buffer.from(lineBase64 ?? '', 'base64') : Buffer.from(line, 'utf8'),
  };
}
