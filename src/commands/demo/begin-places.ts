import pLimit from 'p-limit';
import { AnchorRing } from '../../collector/anchor-ring.js';
import { MAX_ANCHOR } from '../../collector/anchor.js';
import { runTogether } from '../../collector/run-together.js';
import { Repeats } from '../../collector/fingerprint.js';
import type { Engine } from '../../collector/engine.js';
import type { LogSource } from '../../collector/log-source.js';
import type { EntrySink, StreamNumber } from '../../docker/entry-sink.js';
import type { Clock } from '../../model/clock.js';
import type { ContainerRef, ContainerSummary } from '../../model/container.js';
import type { AnchorEntry, Cursor } from '../../model/cursor.js';
import { PollardError } from '../../model/errors.js';

export interface BeginPlacesOptions {
  readonly engine: Pick<Engine, 'list' | 'inspect'>;
  readonly read: LogSource;
  readonly selects: (container: ContainerSummary) => boolean;
  readonly clock: Clock;
  readonly concurrency: number;
  readonly commit: (cursor: Cursor) => Promise<void>;
}

/** Entries looked at; more than an anchor has, as those of a line still open do not go into it. */
const TAIL = 4 * MAX_ANCHOR;

/** Gone meanwhile, dying, of a driver that cannot be read: the container's own trouble, and the collector tells of it. */
const OWN_TROUBLE: ReadonlySet<string> = new Set([
  'engine_not_found',
  'engine_conflict',
  'engine_not_implemented',
  'engine_server_error',
]);

/**
 * Where each container's log ends now: there the demo begins. As a place and not as a time, so that no clock need
 * be right, and what is written from here on is known exactly. A container whose log cannot be read has none.
 *
 * @throws PollardError when the Engine cannot be asked for its containers, or a place cannot be stored
 */
export async function markBegin(
  options: BeginPlacesOptions,
  signal: AbortSignal,
): Promise<Map<string, Cursor>> {
  const { engine, selects, concurrency, commit } = options;
  const places = new Map<string, Cursor>();
  const limit = pLimit(concurrency);
  const listed = (await engine.list(signal)).filter(selects);
  const mark = async (container: ContainerSummary, ending: AbortSignal): Promise<void> => {
    const place = await endOf(options, container, ending);
    if (place === undefined) return;
    await commit(place);
    places.set(container.id, place);
  };
  await runTogether(signal, (ending) => listed.map((container) => limit(() => mark(container, ending))));
  return places;
}

async function endOf(
  { engine, read, clock }: BeginPlacesOptions,
  container: ContainerSummary,
  signal: AbortSignal,
): Promise<Cursor | undefined> {
  try {
    const details = await engine.inspect(container.id, signal);
    const started = details.running || details.startedAt > 0n;
    const anchor = started ? await lastEntries(read, { ...container, ...details }, signal) : [];
    if (anchor === undefined) return undefined;
    return {
      containerId: container.id,
      containerName: container.name,
      anchor,
      open: [],
      moved: {},
      committedAt: clock.now(),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PollardError && OWN_TROUBLE.has(error.code)) return undefined;
    throw error;
  }
}

/** The last entries before a line that is still open: that line is then collected, and accounted for, as one. */
async function lastEntries(
  read: LogSource,
  container: ContainerRef,
  signal: AbortSignal,
): Promise<readonly AnchorEntry[] | undefined> {
  const end = new LogEnd();
  const { id, name, tty } = container;
  const request = { containerId: id, containerName: name, tty, tail: TAIL, signal };
  const { fault } = await read(request, end);
  if (fault !== undefined) return undefined;
  const anchor = end.ring.anchor();
  const open = container.running ? end.openEntries : 0;
  const closed = anchor.length - open;
  // Nothing but that line in all that was looked at, and more before: its rest will have to do.
  if (closed <= 0 && end.ring.seen >= TAIL) return anchor.slice(-MAX_ANCHOR);
  return anchor.slice(Math.max(0, closed - MAX_ANCHOR), Math.max(0, closed));
}

class LogEnd implements EntrySink {
  readonly ring = new AnchorRing(TAIL, []);
  readonly #repeats = new Repeats();
  /** By stream: the number of the first chunk of the line that is open, and that line's stamp. */
  readonly #open: [undefined, Open | undefined, Open | undefined] = [undefined, undefined, undefined];

  /** How many of the entries stand behind the beginning of a line that is open. */
  get openEntries(): number {
    const [, stdout, stderr] = this.#open;
    const first = Math.min(stdout?.first ?? Infinity, stderr?.first ?? Infinity);
    return first === Infinity ? 0 : this.ring.seen - first;
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
    const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
    const open = this.#open[stream];
    if (terminated) this.#open[stream] = undefined;
    else if (open === undefined || open.seconds !== seconds || open.nanos !== nanos) {
      this.#open[stream] = { first: this.ring.seen, seconds, nanos };
    }
    this.ring.add(stream, seconds, nanos, source, start, end, repeat);
  }
}

interface Open {
  readonly first: number;
  readonly seconds: number;
  readonly nanos: number;
}
