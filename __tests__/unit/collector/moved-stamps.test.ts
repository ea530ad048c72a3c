import fc from 'fast-check';
import type { LineSink } from '../../../src/collector/line-assembler.js';
import { MovedStamps } from '../../../src/collector/moved-stamps.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';

interface Line {
  readonly stream: 1 | 2;
  readonly stamp: bigint;
}
const at = (stamp: bigint, stream: 1 | 2 = 1): Line => ({ stream, stamp });

class Stamps implements LineSink {
  readonly lines: Line[] = [];
  line(stream: 1 | 2, seconds: number, nanos: number): void {
    if (!(nanos >= 0 && nanos < 1e9)) throw new RangeError(`${nanos} ns of a second`);
    this.lines.push({ stream, stamp: BigInt(seconds) * NS_PER_SECOND + BigInt(nanos) });
  }
}

/** Delivers lines behind a cursor; returns what they were delivered with, and the cursor behind them. */
function deliver(
  lines: readonly Line[],
  from: Cursor['moved'] = {},
  equalStamps: 'keep' | 'shift' = 'shift',
): { moved: Cursor['moved']; out: Line[] } {
  const out = new Stamps();
  const mover = new MovedStamps(out, from, equalStamps);
  for (const { stream, stamp } of lines) {
    mover.line(stream, Number(stamp / NS_PER_SECOND), Number(stamp % NS_PER_SECOND), Buffer.alloc(0), 0, 0);
  }
  return { moved: mover.moved(), out: out.lines };
}
const stampsOf = (lines: readonly Line[]): bigint[] => deliver(lines).out.map(({ stamp }) => stamp);

const T = 1_700_000_000n * NS_PER_SECOND;

describe('lines of one nanosecond', () => {
  test('are moved apart by one each; lines of other stamps keep theirs', () => {
    expect(stampsOf([at(T), at(T), at(T), at(T + 10n), at(T + 10n)])).toEqual([
      T,
      T + 1n,
      T + 2n,
      T + 10n,
      T + 11n,
    ]);
  });

  test('so many that they reach the stamp of the next ones push those on', () => {
    expect(stampsOf([at(T), at(T), at(T), at(T + 1n), at(T + 2n), at(T + 5n)])).toEqual([
      T,
      T + 1n,
      T + 2n,
      T + 3n,
      T + 4n,
      T + 5n,
    ]);
  });

  test('are carried over into the next second', () => {
    const last = T + NS_PER_SECOND - 1n;
    expect(stampsOf([at(last), at(last), at(T + NS_PER_SECOND)])).toEqual([
      last,
      T + NS_PER_SECOND,
      T + NS_PER_SECOND + 1n,
    ]);
  });

  test('of the other stream are other lines', () => {
    expect(stampsOf([at(T, 1), at(T, 2), at(T, 1), at(T, 2)])).toEqual([T, T, T + 1n, T + 1n]);
  });

  test('an older line begins anew; where it came back to, lines are told apart again', () => {
    expect(stampsOf([at(T), at(T), at(T - 5n), at(T - 5n)])).toEqual([T, T + 1n, T - 5n, T - 4n]);
  });

  test('a stream without a line leaves no state', () => {
    expect(deliver([]).moved).toEqual({});
    expect(deliver([at(T, 2), at(T, 2)]).moved).toEqual({ stderr: { stamp: T, assigned: T + 1n } });
    // Also a line in the first second that there is: the clock was not yet set.
    const early = { stamp: 5n, assigned: 6n };
    const both = [at(5n), at(5n), at(5n, 2), at(5n, 2)];
    expect(deliver(both).moved).toEqual({ stdout: early, stderr: early });
  });
});

describe('where equal lines are kept as they are', () => {
  const kept = (lines: readonly Line[]): bigint[] => deliver(lines, {}, 'keep').out.map(({ stamp }) => stamp);
  const NEXT = T + NS_PER_SECOND;

  test('those of whole seconds are moved apart all the same, and the next second begins anew', () => {
    expect(kept([at(T), at(T), at(T, 2), at(T), at(NEXT), at(NEXT)])).toEqual([
      T,
      T + 1n,
      T,
      T + 2n,
      NEXT,
      NEXT + 1n,
    ]);
  });

  test('others keep their stamps, and leave no state', () => {
    const lines = [at(T + 5n), at(T + 5n), at(T + 1000n), at(T + 1000n)];
    expect(deliver(lines, {}, 'keep')).toEqual({ moved: {}, out: lines });
    expect(deliver([at(T), ...lines], {}, 'keep')).toEqual({ moved: {}, out: [at(T), ...lines] });
  });

  test('a poll that begins in the middle of a second goes on where the one before ended', () => {
    const lines = Array.from({ length: 10 }, () => at(T));
    const whole = deliver(lines, {}, 'keep');
    for (let cut = 0; cut <= lines.length; cut++) {
      const first = deliver(lines.slice(0, cut), {}, 'keep');
      const second = deliver(lines.slice(cut), first.moved, 'keep');
      expect([...first.out, ...second.out]).toEqual(whole.out);
      expect(second.moved).toEqual(whole.moved);
    }
  });
});

/** Few different stamps, forward, backward and over the border of a second. */
const anyLines = fc.array(
  fc.record({
    stream: fc.constantFrom(1 as const, 2 as const),
    stamp: fc.oneof(
      fc.bigInt({ min: 0n, max: 12n }).map((ns) => T + NS_PER_SECOND - 6n + ns),
      fc.bigInt({ min: 0n, max: 3n }).map((us) => T + us * 1000n),
    ),
  }),
  { maxLength: 60, size: 'max' },
);

test('any lines, cut anywhere and begun anew from the cursor: each gets the stamp that it got at first', () => {
  let moved = 0;
  fc.assert(
    fc.property(anyLines, fc.array(fc.nat(60), { maxLength: 4 }), (lines, cuts) => {
      const whole = deliver(lines);
      moved += whole.out.filter(({ stamp }, n) => stamp !== lines[n]?.stamp).length;
      const places = [...new Set([...cuts.map((cut) => Math.min(cut, lines.length)), lines.length])].sort(
        (a, b) => a - b,
      );
      const out: Line[] = [];
      let cursor: Cursor['moved'] = {};
      let from = 0;
      for (const place of places) {
        // A crash: what was delivered behind the cursor is delivered again, and further than before.
        const again = deliver(lines.slice(from), cursor);
        expect(again.out).toEqual(whole.out.slice(from));
        const part = deliver(lines.slice(from, place), cursor);
        out.push(...part.out);
        cursor = part.moved;
        from = place;
      }
      expect(out).toEqual(whole.out);
      expect(cursor).toEqual(whole.moved);
    }),
  );
  expect(moved).toBeGreaterThan(50);
});

test('lines in order: no two of a stream share a stamp, none comes before its own, none is moved without need', () => {
  fc.assert(
    fc.property(anyLines, (lines) => {
      const ordered = [...lines].sort((a, b) => Number(a.stamp - b.stamp));
      const { out } = deliver(ordered);
      for (const stream of [1, 2] as const) {
        const given = ordered.filter((line) => line.stream === stream);
        const got = out.filter((line) => line.stream === stream);
        for (const [n, { stamp }] of got.entries()) {
          const own = given[n]!.stamp;
          const before = got[n - 1]?.stamp ?? -1n;
          expect(stamp).toBe(own > before ? own : before + 1n);
        }
      }
    }),
  );
});
