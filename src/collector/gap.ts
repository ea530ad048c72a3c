import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import { formatStamp, NS_PER_SECOND, parseStamp, type Nanoseconds } from '../model/nanoseconds.js';
import type { LineSink } from './line-assembler.js';

/** Why lines are missing. */
export type GapCause =
  /** The log no longer reaches back to what was delivered: rotated, or truncated by hand. */
  | 'rotated'
  /** The Engine cannot read on behind a damaged place in the log. */
  | 'unreadable';

/** A stretch of a container's log that could not be delivered. */
export interface Gap {
  readonly cause: GapCause;
  /** Stamp of the last entry delivered before the gap, ns; at the beginning of a log a time before its first entry. */
  readonly lastDelivered: Nanoseconds;
  /** Stamp of the first entry there is behind it, ns; at the end of a log when its container ended. */
  readonly firstAvailable: Nanoseconds;
}

const REASONS: Record<GapCause, string> = {
  rotated: 'the log was rotated or truncated before they were read',
  unreadable: 'the Engine cannot read a damaged place in the log',
};

const MARK = 'pollard: gap: lines of container ';

/**
 * The gap before an entry.
 *
 * @param lastDelivered ns; undefined: there is no entry before the gap
 * @param created when the container was created, ns: nothing of its log is older, but where the clock was set
 * @param within of a gap that begins with the log: an entry in it that was delivered all the same, ns. Where the clock
 *   was set back behind the container's creation, it is the only bound that is known.
 */
export function gapBefore(
  cause: GapCause,
  lastDelivered: Nanoseconds | undefined,
  firstAvailable: Nanoseconds,
  created: Nanoseconds,
  within?: Nanoseconds,
): Gap {
  const before = lastDelivered ?? (created < firstAvailable ? created : (within ?? firstAvailable - 1n));
  return { cause, lastDelivered: before, firstAvailable };
}

/**
 * The line put into the container's own stream where lines are missing. The same at every replay. Its span begins with
 * the earlier stamp, also where the clock was set back in between.
 */
export function gapText(containerName: string, gap: Gap): string {
  const { lastDelivered, firstAvailable } = gap;
  const [from, to] =
    lastDelivered <= firstAvailable ? [lastDelivered, firstAvailable] : [firstAvailable, lastDelivered];
  const span = `between ${formatStamp(from)} and ${formatStamp(to)}`;
  return `${MARK}${containerName} ${span} may be missing: ${REASONS[gap.cause]}`;
}

/** That line with its stamp, 1 ns before the first entry there is. */
export function gapLine(
  containerName: string,
  gap: Gap,
): { readonly seconds: number; readonly nanos: number; readonly text: Buffer } {
  const stamp = gap.firstAvailable - 1n;
  return {
    seconds: Number(stamp / NS_PER_SECOND),
    nanos: Number(stamp % NS_PER_SECOND),
    text: Buffer.from(gapText(containerName, gap)),
  };
}

/** Whether a line is such a marker, of any container. */
export function isGapText(line: string): boolean {
  return line.startsWith(MARK);
}

const SPAN = / between (\S+) and (\S+) may be missing: /;

/** Between which stamps lines may be missing, as such a marker says; undefined for any other line. */
export function gapSpan(line: string): Pick<Gap, 'lastDelivered' | 'firstAvailable'> | undefined {
  if (!isGapText(line)) return undefined;
  const [, from = '', to = ''] = SPAN.exec(line) ?? [];
  const [lastDelivered, firstAvailable] = [parseStamp(from), parseStamp(to)];
  if (lastDelivered === undefined || firstAvailable === undefined) return undefined;
  return { lastDelivered, firstAvailable };
}

/**
 * Watches for the first entry behind a gap, tells of it, and puts the marker line 1 ns before that entry, into
 * its stream.
 */
export class GapMarker implements EntrySink {
  readonly #next: EntrySink;
  readonly #lines: LineSink | undefined;
  readonly #containerName: string;
  readonly #cause: GapCause;
  readonly #lastDelivered: Nanoseconds | undefined;
  readonly #created: Nanoseconds;
  readonly #within: Nanoseconds | undefined;
  readonly #tell: (gap: Gap) => void;
  /** Set once the first entry went by. */
  gap: Gap | undefined;

  /**
   * @param lines where the marker goes; undefined for none (`gaps.marker: false`)
   * @param lastDelivered, created, within as gapBefore takes them
   */
  constructor(
    next: EntrySink,
    lines: LineSink | undefined,
    containerName: string,
    cause: GapCause,
    lastDelivered: Nanoseconds | undefined,
    created: Nanoseconds,
    within: Nanoseconds | undefined,
    tell: (gap: Gap) => void,
  ) {
    this.#next = next;
    this.#lines = lines;
    this.#containerName = containerName;
    this.#cause = cause;
    this.#lastDelivered = lastDelivered;
    this.#created = created;
    this.#within = within;
    this.#tell = tell;
  }

  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void {
    if (this.gap === undefined) {
      const firstAvailable = BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
      this.gap = gapBefore(this.#cause, this.#lastDelivered, firstAvailable, this.#created, this.#within);
      this.#tell(this.gap);
      const mark = gapLine(this.#containerName, this.gap);
      this.#lines?.line(stream, mark.seconds, mark.nanos, mark.text, 0, mark.text.length);
    }
    this.#next.entry(stream, seconds, nanos, source, start, end, terminated);
  }
}
