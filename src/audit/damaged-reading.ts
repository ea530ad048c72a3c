import { DamagedLog, LogTooBusy, type PassesOver } from '../collector/damaged-log.js';
import { StartMatcher } from '../collector/anchor.js';
import { mayBeDamage } from '../collector/answer-faults.js';
import { Repeats } from '../collector/fingerprint.js';
import { hasHole, LARGEST_WHOLE, LookCutShort, windowForHole } from '../collector/hole.js';
import type { FlowControl, LogSource } from '../collector/log-source.js';
import { look } from '../collector/look.js';
import type { EntrySink, StreamNumber } from '../docker/entry-sink.js';
import type { ContainerRef } from '../model/container.js';
import type { AnchorEntry } from '../model/cursor.js';

export interface DamagedReading {
  readonly read: LogSource;
  readonly container: ContainerRef;
  readonly passesOver: PassesOver;
  readonly signal: AbortSignal;
  readonly flow?: FlowControl | undefined;
}

/** Takes entries in the order of the log, and is called where some are missing in between. */
export interface RunSink extends EntrySink {
  gap(): void;
}

/** So often a run is asked for again, where an answer began elsewhere or the daemon's error came first. */
const TIMES = 16;

/** Whether an Engine that passes over damaged records does so in this log, as the collector finds out. */
export async function passesOverSome(
  read: LogSource,
  container: ContainerRef,
  signal: AbortSignal,
): Promise<boolean> {
  const { entries } = await look(read, container, LARGEST_WHOLE + 1, 1, signal);
  const wide = windowForHole(undefined, entries);
  if (wide === undefined) return false;
  try {
    return (await hasHole(read, container, wide, signal)) === true;
  } catch (error) {
    if (error instanceof LookCutShort) return false;
    throw error;
  }
}

/**
 * Shows each run of sound entries of a log with damaged records, as the collector delivers them.
 *
 * @param after the last entries that were shown; none: the log is shown from its beginning
 * @returns whether it came to the end of the log
 */
export async function showRuns(
  reading: DamagedReading,
  after: readonly AnchorEntry[],
  sink: RunSink,
): Promise<boolean> {
  const { read, container, passesOver, signal } = reading;
  try {
    const log = await DamagedLog.begin({ read, container, passesOver, grows: container.running, signal });
    let position = ((await log.locate(after)) ?? 0) - 1;
    if (position < 0) {
      const oldest = after.length === 0 ? await log.oldest() : undefined;
      if (oldest === undefined) return false;
      position = oldest.position;
    }
    while (position > 0) {
      const first = await log.soundAt(position);
      if (first === undefined) {
        sink.gap();
        position = await log.nextSound(position);
        continue;
      }
      const most = passesOver !== 'nothing' ? (await log.runFrom(position)).length : Infinity;
      const shown = await showRun(reading, log, position, first, most, sink);
      if (shown === 0) return false;
      position -= shown;
    }
    return true;
  } catch (error) {
    if (error instanceof LogTooBusy) return false;
    throw error;
  }
}

/** @returns how many entries were shown; 0 when the run did not come */
async function showRun(
  { read, container, signal, flow }: DamagedReading,
  log: DamagedLog,
  position: number,
  first: AnchorEntry,
  most: number,
  sink: EntrySink,
): Promise<number> {
  const { id: containerId, name: containerName, tty } = container;
  for (let times = 0; times < TIMES; times++) {
    const run = new RunEntries(first, most, sink);
    const tail = log.tailOf(position);
    const asked = { containerId, containerName, tty, tail, signal, ...(flow === undefined ? {} : { flow }) };
    const { fault } = await read(asked, run);
    signal.throwIfAborted();
    if (fault !== undefined && !mayBeDamage(fault)) return 0;
    if (run.shown > 0) return run.shown;
    // Counts what was written since.
    await log.soundAt(position);
  }
  return 0;
}

/** Of an answer, the entries from a known one on. */
class RunEntries implements EntrySink {
  shown = 0;
  readonly #start: StartMatcher;
  readonly #repeats = new Repeats();
  readonly #most: number;
  readonly #sink: EntrySink;

  constructor(first: AnchorEntry, most: number, sink: EntrySink) {
    this.#start = new StartMatcher(first);
    this.#most = most;
    this.#sink = sink;
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
    if (!this.#start.done) {
      const repeat = this.#repeats.next(stream, seconds, nanos, source, start, end);
      if (this.#start.place(stream, seconds, nanos, source, start, end, repeat) !== 'new') return;
    }
    if (this.shown === this.#most) return;
    this.shown++;
    this.#sink.entry(stream, seconds, nanos, source, start, end, terminated);
  }
}
