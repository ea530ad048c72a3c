import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { seededRandom } from '../../../src/simulators/engine/index.js';
import { ALL_THERE, reconcile, withInstallation, type Installation } from '../../support/collector/index.js';
import { isThorough } from '../../support/effort.js';
import {
  describeEngines,
  runContainer,
  runToEnd,
  writeJsonLog,
  type JsonLogEntry,
} from '../../support/engines/index.js';
import { allUntilStopped, numbered, numberedUntilStopped, printNumbered } from '../../support/numbered.js';
import { until } from '../../support/until.js';

jest.setTimeout(300_000);

const AT_END = { settings: { start: 'end' } };
const SMALL_BATCHES = { settings: { 'loki.batch.max_bytes': '64KiB' } };
const KILLS = isThorough ? 20 : 6;
const SEED = 17;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Filled {
  readonly code: number | null;
  readonly containers: readonly {
    readonly container: string;
    readonly lines: number;
    readonly sent: number;
    readonly missing: number;
    readonly refused: readonly { readonly kind: string; readonly lines: number }[];
  }[];
}

async function fill(pollard: Installation, ...words: string[]): Promise<Filled> {
  const program = pollard.launch(['backfill', ...words, '--json']);
  const { code } = await program.ended;
  if (program.stdout === '') throw new Error(`backfill printed no report: ${program.lastWords()}`);
  return { code, containers: (JSON.parse(program.stdout) as Filled).containers };
}

const sum = ({ containers }: Filled, key: 'lines' | 'sent' | 'missing'): number =>
  containers.reduce((all, container) => all + container[key], 0);

/** The cursor file of a container; undefined: it has none yet. */
function cursorOf(pollard: Installation, id: string): string | undefined {
  const dir = join(pollard.stateDir, 'cursors');
  const file = readdirSync(dir).find((name) => name.includes(id));
  return file === undefined ? undefined : readFileSync(join(dir, file), 'utf8');
}

/** Lines of a log written by hand, evenly over a range of time. */
function oldLines(name: string, from: number, to: number, count: number): JsonLogEntry[] {
  return numbered(name, count).map((line, i) => ({
    log: `${line}\n`,
    stream: 'stdout',
    time: new Date(from + ((to - from) / count) * i).toISOString().replace('Z', '000000Z'),
  }));
}

describeEngines('pollard backfill', (engine) => {
  test('beside a live service: what it skipped is filled once, the second run sends 0, its cursors stay', async () => {
    await withInstallation(
      engine(),
      async (pollard) => {
        const ended = await runToEnd(engine(), { cmd: printNumbered('a', 3000) });
        const local = await runToEnd(engine(), { cmd: printNumbered('b', 1000), logDriver: 'local' });
        // A container that is younger than the service is read from its beginning.
        await delay(2500);
        const service = await pollard.run();
        const live = await runContainer(engine(), { cmd: numberedUntilStopped('live', 100) });
        await until('the service is done with the ended ones', () =>
          [ended, local].every(({ id }) => cursorOf(pollard, id)?.includes('"complete":true')),
        );
        const before = [ended, local].map(({ id }) => cursorOf(pollard, id));

        const first = await fill(pollard, '--since', '1h');
        expect([sum(first, 'sent'), sum(first, 'missing')]).toEqual([4000, 0]);
        const second = await fill(pollard, '--since', '1h');
        expect([sum(second, 'sent'), sum(second, 'missing')]).toEqual([0, 0]);
        expect([ended, local].map(({ id }) => cursorOf(pollard, id))).toEqual(before);

        await live.exec('touch /stop');
        await live.wait();
        await service.readsAll();
        expect(await service.stop()).toMatchObject({ code: 0 });
        await pollard.catchUp();
        const lines = pollard.loki.entries().map(({ line }) => line);
        const written = [
          { container: ended, stdout: numbered('a', 3000) },
          { container: local, stdout: numbered('b', 1000) },
          { container: live, stdout: allUntilStopped('live', lines) },
        ];
        expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
        expect(pollard.loki.counts()).toMatchObject({ strictDuplicates: 0, refused: {} });
        const third = await fill(pollard, '--since', '1h');
        expect([sum(third, 'sent'), third.code]).toEqual([0, 0]);
      },
      AT_END,
    );
  });

  test(`is killed at ${KILLS} random instants, then finished: Loki holds exactly the range`, async () => {
    const random = seededRandom(SEED);
    await withInstallation(
      engine(),
      async (pollard) => {
        const containers = [
          {
            container: await runToEnd(engine(), { cmd: printNumbered('a', 9000) }),
            stdout: numbered('a', 9000),
          },
          {
            container: await runToEnd(engine(), { cmd: printNumbered('b', 9000), logDriver: 'local' }),
            stdout: numbered('b', 9000),
          },
        ];
        // Without a cursor lines of the last seconds may still be on their way to a service.
        await delay(5000);
        const end = new Date().toISOString();
        const range = ['--since', new Date(Date.now() - HOUR_MS).toISOString(), '--until', end];
        for (let kill = 0; kill < KILLS; kill++) {
          const { requests } = pollard.loki.counts();
          const run = pollard.launch(['backfill', ...range, '--rate', '64KiB/s']);
          if (kill % 2 > 0) {
            await until(
              'something is pushed',
              () => !run.running || pollard.loki.counts().requests > requests,
            );
          }
          await delay(random() * 1000);
          await run.kill();
        }
        const done = await fill(pollard, ...range);
        expect([done.code, sum(done, 'missing')]).toEqual([0, 0]);
        expect(reconcile(containers, pollard.loki)).toEqual(ALL_THERE);
        expect(pollard.loki.counts().refused).toEqual({});
      },
      SMALL_BATCHES,
    );
  });

  test('ten days beside a live stream: what lies within the limits of Loki is there, the rest is counted', async () => {
    await withInstallation(
      engine(),
      async (pollard) => {
        const now = Date.now();
        const history = [
          ...oldLines('old', now - 10 * DAY_MS, now - 8 * DAY_MS, 200),
          ...oldLines('within', now - 6 * DAY_MS, now - 2 * HOUR_MS, 600),
        ];
        const container = await runToEnd(engine(), { cmd: 'echo live' });
        await writeJsonLog(container, { current: history });
        await delay(2500);
        const service = await pollard.run();
        await until('it has a cursor', () => cursorOf(pollard, container.id) !== undefined);
        // A live line of the same stream, which old ones are behind.
        await container.start();
        await container.wait();
        await pollard.untilStored(1);

        const filled = await fill(pollard, '--since', '11d', '--until', '1h');
        expect(filled.containers).toMatchObject([
          { lines: 800, sent: 600, missing: 0, refused: [{ kind: 'too-old', lines: 200 }] },
        ]);
        expect(filled.code).toBe(6);
        const again = await fill(pollard, '--since', '7d', '--until', '1h');
        expect([again.code, sum(again, 'sent')]).toEqual([0, 0]);
        expect(await service.stop()).toMatchObject({ code: 0 });
        const inLoki = pollard.loki.entries().filter(({ line }) => line.startsWith('within '));
        expect(inLoki.map(({ line }) => line).sort()).toEqual(numbered('within', 600).sort());
      },
      AT_END,
    );
  });
});
