import { nanosOf, secondsOf } from '../../loki/read/stamp-range.js';
import type { WrittenLines } from './account.js';
import type { SimulatedEngine } from './simulated-engine.js';

/** The simulated Engine's own account: every line that any container wrote, also what was rotated away since. */
export function writtenBySimulator(engine: Pick<SimulatedEngine, 'written'>): WrittenLines {
  return async (visit) => {
    for await (const { container, stream, stamp, text, tty } of engine.written()) {
      const ns = BigInt(stamp);
      visit({
        containerId: container,
        stream: stream === 'stdout' ? 1 : 2,
        seconds: secondsOf(ns),
        nanos: nanosOf(ns),
        // The terminal's, not the line's.
        text: tty && text.endsWith('\r') ? text.slice(0, -1) : text,
        due: true,
      });
    }
  };
}
