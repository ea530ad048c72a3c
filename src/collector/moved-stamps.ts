import type { StreamName } from '../model/container.js';
import type { MovedStamp } from '../model/cursor.js';
import { NS_PER_SECOND } from '../model/nanoseconds.js';
import type { StreamNumber } from '../docker/entry-sink.js';
import type { LineSink } from './line-assembler.js';

/**
 * Moves lines that share a stamp apart by one nanosecond each, so that Loki keeps two equal lines of the same
 * nanosecond as two. What a line gets depends only on the lines before it in its stream, and the state is part
 * of the cursor: a replay moves the same lines by the same amount.
 */
export class MovedStamps implements LineSink {
  readonly #next: LineSink;
  readonly #state: [undefined, State, State];

  constructor(next: LineSink, moved: Readonly<Partial<Record<StreamName, MovedStamp>>>) {
    this.#next = next;
    this.#state = [undefined, stateOf(moved.stdout), stateOf(moved.stderr)];
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
    const from = compare(seconds, nanos, state.seconds, state.nanos);
    const to = compare(seconds, nanos, state.assignedSeconds, state.assignedNanos);
    if (from >= 0 && to <= 0) {
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
    this.#next.line(stream, state.assignedSeconds, state.assignedNanos, source, start, end);
  }

  /** The state, for the cursor. */
  moved(): Partial<Record<StreamName, MovedStamp>> {
    const moved: Partial<Record<StreamName, MovedStamp>> = {};
    const [, stdout, stderr] = this.#state;
    if (stdout.seconds >= 0) moved.stdout = movedOf(stdout);
    if (stderr.seconds >= 0) moved.stderr = movedOf(stderr);
    return moved;
  }
}

interface State {
  /** -1 while the stream has no line. */
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
    assigned: BigInt(state.assignedSeconds) * NS_PER_SECOND + BigInt(state.assignedNanos),
  };
}

function compare(seconds: number, nanos: number, otherSeconds: number, otherNanos: number): number {
  return seconds - otherSeconds || nanos - otherNanos;
}
