import { describe, expect, test } from '@jest/globals';
import {
  CHATTY_KINDS,
  ChattyWorkload,
  seededRandom,
  writtenJson,
} from '../../../../src/simulators/engine/index.js';
import { SteppedClock, withEngine } from '../../../support/simulated-engine.js';

const STEPS = 60;

async function run(
  seed: number,
  judge: (written: string[], workload: ChattyWorkload, gone: number) => void,
): Promise<void> {
  const clock = new SteppedClock();
  const random = seededRandom(seed);
  await withEngine({ clock, random }, async (engine) => {
    const workload = new ChattyWorkload(engine, { random, containers: 14, linesPerStep: 50 });
    for (let step = 0; step < STEPS; step++) {
      clock.advance(50_000_000n);
      workload.step();
    }
    workload.finish();
    const gone = [...engine.written()].filter((line) => line.gone).length;
    judge([...writtenJson(engine)].map(String), workload, gone);
    await Promise.resolve();
  });
}

describe('chatty containers', () => {
  test('the same seed writes the same lines', async () => {
    const runs: string[][] = [];
    for (const seed of [7, 7, 8]) await run(seed, (written) => runs.push(written));
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
    expect(runs[0]!.length).toBeGreaterThan(STEPS * 50 * 0.9);
  });

  test('every kind is there, with bursts, deaths, long lines and both streams', async () => {
    await run(1, (_written, { talkers }) => {
      const of = (kind: string) => talkers.filter((talker) => talker.kind === kind);
      expect(new Set(talkers.map(({ kind }) => kind))).toEqual(new Set(CHATTY_KINDS));
      const entries = talkers.flatMap(({ container }) => [...container.log.read()]);
      expect(entries.some((entry) => entry.partial && !entry.terminated)).toBe(true);
      expect(new Set(entries.map((entry) => entry.stream))).toEqual(new Set(['stdout', 'stderr']));
      expect(of('mortal').some(({ container }) => container.startedNs! > container.createdNs + 10n)).toBe(
        true,
      );
      expect(of('rotating').every(({ container }) => container.log.files.length > 0)).toBe(true);
      const lines = of('bursting').map(({ container }) => container.written.length);
      expect(Math.max(...lines)).toBeGreaterThan(500);
    });
  });

  test('the account is what the log holds, chunk by chunk put together', async () => {
    await run(3, (written, { talkers }, gone) => {
      expect(gone).toBe(0);
      for (const { container } of talkers) {
        // Each line's text, its chunks together: by stream, since the lines of two streams interleave.
        for (const stream of ['stdout', 'stderr'] as const) {
          const held = container.log.read({ stdout: stream === 'stdout', stderr: stream === 'stderr' });
          const fromLog = Buffer.concat(held.map((entry) => entry.text));
          const lines = container.written.filter((line) => line.stream === stream);
          expect(Buffer.concat(lines.map((line) => line.text)).equals(fromLog)).toBe(true);
          expect(lines.length).toBe(held.filter((entry) => entry.terminated).length);
        }
      }
      expect(written.length).toBe(talkers.reduce((sum, { container }) => sum + container.written.length, 0));
    });
  });

  test('what rotation or removal took away is said to be gone', async () => {
    await withEngine({}, async (engine) => {
      const rotating = engine.addContainer({
        name: 'one',
        rotation: { maxSize: { entries: 2 }, maxFiles: 2 },
      });
      for (const text of ['a', 'b', 'c', 'd', 'e']) rotating.writeLine('stdout', text);
      const removed = engine.addContainer({ name: 'two' });
      removed.writeChunk('stdout', 'last words');
      removed.remove();
      const told = [...writtenJson(engine)].map(
        (line) => JSON.parse(String(line)) as Record<string, unknown>,
      );
      expect(told.map(({ name, text, gone }) => [name, text, gone])).toEqual([
        ['one', 'a', true],
        ['one', 'b', true],
        ['one', 'c', false],
        ['one', 'd', false],
        ['one', 'e', false],
        ['two', 'last words', true],
      ]);
    });
  });
});
