import { expect, test } from '@jest/globals';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { eachOnce, expectNothingHeld, figuresOf, untilStored } from '../../support/peers/index.js';
import { until } from '../../support/until.js';

const CHUNK = 16_384;

/** 20.10 has driver local end a long line without its newline: it has ended when the next line begins. */
const KINDS = (['20.10', '28.5'] as const).flatMap((profile) =>
  [
    { driver: 'json-file', tty: false },
    { driver: 'json-file', tty: true },
    { driver: 'local', tty: false },
    { driver: 'local', tty: true },
  ].map(({ driver, tty }) => [profile, driver, tty] as const),
) satisfies readonly (readonly [EngineProfileName, string, boolean])[];

/** A document of JSON of about so many bytes, with letters of more than one byte where chunks may be cut. */
function json(bytes: number, number: number): string {
  return JSON.stringify({ number, list: 'é漢x'.repeat(Math.ceil(bytes / 6)), end: true });
}

function stored({ loki }: CollectingWorld): string[] {
  return loki.entries().map(({ line }) => line);
}

test.concurrent.each(KINDS)(
  'grafana/loki#2920: a line of 100 kB, and lines around 16 KiB, are one entry each (Engine %s, %s, tty %s)',
  async (profile, driver, tty) => {
    await withCollector({ profile }, async (world) => {
      const lengths = [100_000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 1, 3 * CHUNK + 1, 200_000, 2];
      const container = world.engine.addContainer({ name: 'a', driver, tty });
      for (const length of lengths) container.writeLine('stderr', 'a'.repeat(length));
      await world.start();
      await world.caughtUp();
      expect(stored(world).map(({ length }) => length)).toEqual(lengths);
      expect(stored(world).join('')).toMatch(/^a+$/);
      expect(await figuresOf(world)).toEqual(eachOnce(lengths.length));
      expect(await world.metric('pollard_cut_lines_total')).toBe(0);
      await expectNothingHeld(world);
    });
  },
);

test.concurrent.each(KINDS)(
  'grafana/loki#2281: JSON over 16 KiB stays JSON, also when a poll comes in the middle of a line (Engine %s, %s, tty %s)',
  async (profile, driver, tty) => {
    const settings = { poll: { interval: '100ms', max_interval: '150ms' } };
    await withCollector({ profile, settings }, async (world) => {
      const { engine } = world;
      const container = engine.addContainer({ name: 'api', driver, tty });
      await world.start();
      const newline = tty ? '\r\n' : '\n';
      const documents = Array.from({ length: 4 }, (_, i) => json(20_000 + 9000 * i, i));
      for (const [i, document] of documents.entries()) {
        // In pieces, with a poll behind each.
        const half = Buffer.from(document);
        for (const piece of [half.subarray(0, CHUNK + 5), half.subarray(CHUNK + 5)]) {
          container.writeChunk('stdout', piece);
          const polls = world.pollsOf(container.id);
          await until('it is polled', () => world.pollsOf(container.id) >= polls + 2);
          expect(world.loki.counts().entries).toBe(2 * i);
        }
        container.writeChunk('stdout', newline);
        container.writeLine('stdout', 'done');
        await untilStored(world, 2 * i + 2);
      }
      const lines = stored(world).filter((line) => line !== 'done');
      // json-file keeps half a letter at a chunk's end as U+FFFD: that is the Engine's own log.
      if (driver !== 'json-file') expect(lines).toEqual(documents);
      for (const [i, line] of lines.entries()) {
        expect(JSON.parse(line)).toMatchObject({ number: i, end: true });
      }
      expect(await figuresOf(world)).toEqual(eachOnce(2 * documents.length));
      await expectNothingHeld(world);
    });
  },
);
