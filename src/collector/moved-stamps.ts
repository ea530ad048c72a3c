import type { StreamName } from '../model/container.js';
import type { MovedStamp } from '../model/cursor.js';
import type { LinePiece } from '../model/line-piece.js';
import { NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { LineSink, LongLine, PieceSink } from './line-assembler.js';

/** `shift`: lines of equal timestamps are moved apart. `keep`: Loki folds those that are equal, but for whole seconds. */
export type EqualStamps = 'keep' | 'shift';

/**
 * Gives lines and pieces the timestamps that they are delivered with, so that Loki keeps those that are equal.
 *
 * The pieces of a long line follow its first one by 1 ns each. Lines that share a timestamp are moved apart by 1 ns
 * each, if that is wanted (`lines.equal_stamps: shift`), and those of whole seconds in any case: Podman 3 to 5 shows
 * nothing finer, and equal lines in a second are common. (Of Docker, one timestamp in 10^9 is such.) Either way a line whose timestamp lies in a stretch that
 * was taken so comes after it. What a line gets depends only on the lines before it in its stream, and the state is
 * part of the cursor: a replay moves the same lines by the same amount.
 */
export class MovedStamps implements LineSink, PieceSink {
  readonly #next: LineSink;
  readonly #shifts: boolean;
  readonly #state: [undefined, State, State];
  readonly wholeSeconds: LineSink;
  lines: LineSink;

  constructor(
    next: LineSink,
    moved: Readonly<Partial<Record<StreamName, MovedStamp>>>,
    equalStamps: EqualStamps,
  ) {
    this.#next = next;
    this.#shifts = equalStamps === 'shift';
    this.#state = [undefined, stateOf(moved.stdout), stateOf(moved.stderr)];
    this.wholeSeconds = this;
    this.lines = this.#linesNow();
  }

  line(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
  ): void {
    const state = this.#state[stream];
    if (nanos === 0) {
      // Until a line of this stream is past the stretch that begins here.
      this.lines = this;
    } else if (!this.#shifts && !this.#isTaken(state, seconds, nanos)) {
      this.#next.line(stream, seconds, nanos, source, start, end);
      return;
    }
    this.#assign(state, seconds, nanos);
    this.#next.line(stream, state.assignedSeconds, state.assignedNanos, source, start, end);
  }

  piece(
    stream: StreamNumber,
    { seconds, nanos, pieces, lineId }: LongLine,
    text: Buffer,
    last: boolean,
  ): Nanoseconds {
    const state = this.#state[stream];
    if (lineId === undefined) {
      this.#assign(state, seconds, nanos);
    } else {
      // Not from the state: a mark of a gap may have come between two pieces.
      const assigned = lineId + BigInt(pieces);
      state.seconds = seconds;
      state.nanos = nanos;
      state.assignedSeconds = Number(assigned / NS_PER_SECOND);
      state.assignedNanos = Number(assigned % NS_PER_SECOND);
    }
    const number = pieces + 1;
    this.lines = this;
    const id = lineId ?? assignedOf(state);
    const piece: LinePiece = { lineId: id, number, ...(last ? { count: number } : {}) };
    this.#next.line(stream, state.assignedSeconds, state.assignedNanos, text, 0, text.length, piece);
    return id;
  }

  /** The state, for the cursor. */
  moved(): Partial<Record<StreamName, MovedStamp>> {
    const moved: Partial<Record<StreamName, MovedStamp>> = {};
    const [, stdout, stderr] = this.#state;
    if (this.#isWorthKeeping(stdout)) moved.stdout = movedOf(stdout);
    if (this.#isWorthKeeping(stderr)) moved.stderr = movedOf(stderr);
    return moved;
  }

  /** Whether lines or pieces moved before have taken this timestamp; where lines are not shifted. */
  #isTaken(state: State, seconds: number, nanos: number): boolean {
    if (state.seconds < 0) return false;
    if (compare(seconds, nanos, state.seconds, state.nanos) < 0) return false;
    if (compare(seconds, nanos, state.assignedSeconds, state.assignedNanos) <= 0) {
      return compare(state.seconds, state.nanos, state.assignedSeconds, state.assignedNanos) < 0;
    }
    // Past the stretch: the lines that follow are not asked again.
    state.seconds = -1;
    this.lines = this.#linesNow();
    return false;
  }

  #linesNow(): LineSink {
    const [, stdout, stderr] = this.#state;
    return this.#shifts || stdout.seconds >= 0 || stderr.seconds >= 0 ? this : this.#next;
  }

  #assign(state: State, seconds: number, nanos: number): void {
    const from = compare(seconds, nanos, state.seconds, state.nanos);
    const to = compare(seconds, nanos, state.assignedSeconds, state.assignedNanos);
    if (state.seconds >= 0 && from >= 0 && to <= 0) {
      // Equal to the line before, or inside the stretch that the lines moved before have taken.
      state.assignedNanos++;
      if (state.assignedNanos === 1_000_000_000) {
        state.assignedNanos = 0;
        state.assignedSeconds++;
      }
    } else {
      state.seconds = seconds;
      state.nanos = nanos;
      state.assignedSeconds = seconds;
      state.assignedNanos = nanos;
    }
  }

  #isWorthKeeping(state: State): boolean {
    return state.seconds >= 0;
  }
}

interface State {
  /** -1 while there is no line to be compared with. */
  seconds: number;
  nanos: number;
  assignedSeconds: number;
  assignedNanos: number;
}

function stateOf(moved: MovedStamp | undefined): State {
  if (!moved) return { seconds: -1, nanos: 0, assignedSeconds: -1, assignedNanos: 0 };
  return {
    seconds: Number(moved.stamp / NS_PER_SECOND),
    nanos: Number(moved.stamp % NS_PER_SECOND),
    assignedSeconds: Number(moved.assigned / NS_PER_SECOND),
    assignedNanos: Number(moved.assigned % NS_PER_SECOND),
  };
}

function movedOf(state: State): MovedStamp {
  return {
    stamp: BigInt(state.seconds) * NS_PER_SECOND + BigInt(state.nanos),
    assigned: assignedOf(state),
  };
}

function assignedOf(state: State): Nanoseconds {
  return BigInt(state.assignedSeconds) * NS_PER_SECOND + BigInt(state.assignedNanos);
}

function compare(seconds: number, nanos: number, otherSeconds: number, otherNanos: number): number {
  return seconds - otherSeconds || nanos - otherNanos;
}
