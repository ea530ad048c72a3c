import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AnchorRing } from '../../../src/collector/anchor-ring.js';
import { Repeats } from '../../../src/collector/fingerprint.js';
import type { LogSource } from '../../../src/collector/log-source.js';
import { look, type Look } from '../../../src/collector/look.js';
import type { ContainerRef } from '../../../src/model/container.js';
import { seededRandom } from '../../../src/simulators/engine/index.js';
import { never } from '../../support/engine-api.js';
import { logsReader } from '../../support/read-logs.js';
import { SteppedClock, withEngine } from '../../support/simulated-engine.js';

const anyEntry = fc.record({
  stream: fc.constantFrom(1 as const, 2 as const),
  // Few of each, so that equal entries follow one another, also across the pieces.
  nanos: fc.constantFrom(1, 2),
  text: fc.constantFrom('', 'a', 'b', 'a longer text'),
});
const anyPieces = fc.array(fc.array(anyEntry, { maxLength: 5 }), { maxLength: 10 });

/** The anchor behind these pieces, and the number of each entry among equal ones. */
function remembered(pieces: readonly (readonly Entry[])[], overwrite: boolean) {
  const ring = new AnchorRing(4, []);
  const repeats = new Repeats();
  const numbers: number[] = [];
  for (const entries of pieces) {
    const piece = Buffer.from(entries.map(({ text }) => text).join(''));
    let at = 0;
    for (const { stream, nanos, text } of entries) {
      const end = at + text.length;
      const repeat = repeats.next(stream, 1, nanos, piece, at, end);
      ring.add(stream, 1, nanos, piece, at, end, repeat);
      numbers.push(repeat);
      at = end;
    }
    if (!overwrite) continue;
    ring.letGo();
    repeats.letGo();
    piece.fill('a');
  }
  return { anchor: ring.anchor(), numbers };
}

interface Entry {
  readonly stream: 1 | 2;
  readonly nanos: number;
  readonly text: string;
}

test('what is remembered of entries does not depend on the fate of the bytes that they came in', () => {
  fc.assert(
    fc.property(anyPieces, (pieces) => {
      expect(remembered(pieces, true)).toEqual(remembered(pieces, false));
    }),
  );
});

test('many polls at a time, out of buffers that are used again, see what each would see alone with bytes of its own', async () => {
  await withEngine({ clock: new SteppedClock() }, async (engine) => {
    const random = seededRandom(3);
    const containers = Array.from({ length: 30 }, (_, i) => {
      const container = engine.addContainer({ name: `c${i}`, tty: i % 3 === 0 });
      for (let line = 0; line < 200; line++) {
        const length = random() < 0.02 ? 40_000 : Math.floor(random() * 200);
        // Equal ones too: they are numbered by comparing each with the one before.
        const text = random() < 0.2 ? 'equal' : `${i} ${line} `.padEnd(length, 'x');
        container.writeLine(random() < 0.7 ? 'stdout' : 'stderr', text);
      }
      return { container, ref: { ...REF, id: container.id, name: `c${i}`, tty: i % 3 === 0 } };
    });
    const looked = async (ref: ContainerRef, tail: number, reused: boolean): Promise<Look> => {
      const reader = logsReader({ kind: 'unix', path: engine.socketPath }, ref.id, reused);
      const source: LogSource = ({ tty, tail }, sink) =>
        reader.read({
          tty,
          ...(tail === undefined ? {} : { tail }),
          sink: reused ? sink : { entry: (...entry) => sink.entry(...entry) },
        });
      return await look(source, ref, tail, 32, never);
    };
    for (const tail of [1, 40, 100]) {
      const together = await Promise.all(containers.map(({ ref }) => looked(ref, tail, true)));
      for (const [i, { ref }] of containers.entries()) {
        expect(together[i]).toEqual(await looked(ref, tail, false));
      }
    }
  });
});

const REF: ContainerRef = {
  id: '',
  name: '',
  image: 'i',
  labels: {},
  logDriver: 'json-file',
  tty: false,
  state: 'running',
  created: 0n,
  running: true,
  startedAt: 1n,
  finishedAt: 0n,
};
