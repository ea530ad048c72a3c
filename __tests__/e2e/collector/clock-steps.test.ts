import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { readRejectedFile } from '../../../src/loki/rejected.js';
import { formatStamp, NS_PER_MS } from '../../../src/model/nanoseconds.js';
import {
  ALL_THERE,
  allDelivered,
  reconcile,
  reconcileWithEngine,
  withInstallation,
} from '../../support/collector/index.js';
import {
  describeOwnEngines,
  runToEnd,
  writeJsonLog,
  type Engine,
  type JsonLog,
  type JsonLogEntry,
  type TestContainer,
} from '../../support/engines/index.js';
import { numbered } from '../../support/numbered.js';

jest.setTimeout(180_000);

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** By how much the clock is set, ms. */
const STEPS = [-SECOND, -MINUTE, -HOUR, HOUR];
/** A Loki that takes entries however far they are behind. */
const patientLoki = { limits: { maxChunkAgeMs: 24 * HOUR } };
const SINCE = '--since=12h';
const LINES = 40;

/** Lines of a log, one each 10 ms. @param at ms since 1970 of the first one */
function lines(name: string, at: number): JsonLogEntry[] {
  return numbered(name, LINES).map((text, i) => ({
    log: `${text}\n`,
    stream: 'stdout',
    time: formatStamp(BigInt(Math.round(at) + i * 10) * NS_PER_MS),
  }));
}

/** Containers that have ended, with logs written by hand. */
async function handWritten(engine: Engine, logs: readonly JsonLog[]): Promise<TestContainer[]> {
  const logOptions = { 'max-size': '1m', 'max-file': '5', compress: 'true' };
  const containers = await Promise.all(
    logs.map(async () => await runToEnd(engine, { cmd: 'echo now', logOptions })),
  );
  await writeLogs(containers, logs);
  return containers;
}

async function writeLogs(containers: readonly TestContainer[], logs: readonly JsonLog[]): Promise<void> {
  await Promise.all(logs.map(async (log, i) => await writeJsonLog(containers[i]!, log)));
}

describeOwnEngines('The clock is set', (engine) => {
  test('back by 1 s, 1 min, 1 h, and forward, while the Engine is down: all is delivered, once', async () => {
    await withInstallation(
      engine(),
      async (pollard) => {
        const base = Date.now() - 3 * HOUR;
        const before = lines('before', base);
        const stepped = STEPS.map((step) => [...before, ...lines('stepped', base + SECOND + step)]);
        const containers = await handWritten(
          engine(),
          STEPS.map(() => ({ current: before })),
        );
        const service = await pollard.run();
        await pollard.untilStored(LINES * STEPS.length);
        // The service sees the Engine go away and come back.
        await engine().halt();
        await writeLogs(
          containers,
          stepped.map((current) => ({ current })),
        );
        await engine().start();
        await Promise.all(containers.map((container) => container.start()));
        await pollard.untilStored((2 * LINES + 1) * STEPS.length);
        await Promise.all(containers.map((container) => container.wait()));
        expect((await service.stop()).code).toBe(0);
        const all = containers.map((container) => ({ container }));
        expect(await reconcileWithEngine(all, pollard.loki)).toEqual(ALL_THERE);
        const stdout = [...numbered('before', LINES), ...numbered('stepped', LINES), 'now'];
        const written = containers.map((container) => ({ container, stdout }));
        expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
        expect(await pollard.verify(SINCE)).toEqual(allDelivered((2 * LINES + 1) * STEPS.length));
        expect(pollard.loki.counts()).toMatchObject({ strictDuplicates: 0, refused: {} });
        expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0, gaps: 0 } });
      },
      { loki: patientLoki },
    );
  });

  test('and set right again between two catch-ups, with rotation and without: all is delivered, once', async () => {
    await withInstallation(
      engine(),
      async (pollard) => {
        const base = Date.now() - 3 * HOUR;
        const before = lines('before', base);
        const logs = STEPS.flatMap((step) => {
          const stepped = lines('stepped', base + SECOND + step);
          const right = lines('right again', base + 2 * SECOND);
          const rotated = (file: readonly JsonLogEntry[]) => ({
            lines: file,
            compressed: { lastTime: file.at(-1)!.time },
          });
          return [
            { current: [...before, ...stepped, ...right] },
            { current: right, rotated: [{ lines: stepped }, { lines: before }] },
            { current: right, rotated: [rotated(stepped), rotated(before)] },
            { current: [...stepped, ...right], rotated: [rotated(before)] },
          ];
        });
        const containers = await handWritten(
          engine(),
          logs.map(() => ({ current: before })),
        );
        expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: LINES * logs.length } });
        await engine().halt();
        await writeLogs(containers, logs);
        await engine().start();
        expect(await pollard.catchUp()).toMatchObject({
          code: 0,
          summary: { lines: 2 * LINES * logs.length, gaps: 0 },
        });
        const stdout = ['before', 'stepped', 'right again'].flatMap((name) => numbered(name, LINES));
        const written = containers.map((container) => ({ container, stdout }));
        expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
        expect(await pollard.verify(SINCE)).toEqual(allDelivered(3 * LINES * logs.length));
        expect(pollard.loki.counts()).toMatchObject({ strictDuplicates: 0, refused: {} });
        expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0, gaps: 0 } });
      },
      { loki: patientLoki },
    );
  });

  test('back by more than Loki takes: what it refuses is in the rejected-lines file, and verify says so', async () => {
    await withInstallation(engine(), async (pollard) => {
      const base = Date.now() - 3 * HOUR;
      const before = lines('before', base);
      const containers = await handWritten(engine(), [{ current: before }]);
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: LINES, rejected: 0 } });
      const stepped = lines('stepped', base - HOUR - MINUTE);
      const right = lines('right again', base + SECOND);
      await writeLogs(containers, [{ current: [...before, ...stepped, ...right] }]);
      expect(await pollard.catchUp()).toMatchObject({
        code: 6,
        summary: { lines: LINES, rejected: LINES, gaps: 0, failed: [] },
      });
      const stdout = [...numbered('before', LINES), ...numbered('right again', LINES)];
      expect(reconcile([{ container: containers[0]!, stdout }], pollard.loki)).toEqual(ALL_THERE);
      const rejected: { line: string; reason: string }[] = [];
      for await (const { line, reason } of readRejectedFile(join(pollard.stateDir, 'rejected.jsonl'))) {
        rejected.push({ line: line.toString(), reason });
      }
      expect(rejected.map(({ line }) => line).sort()).toEqual(numbered('stepped', LINES).sort());
      expect(new Set(rejected.map(({ reason }) => /too far behind/.test(reason)))).toEqual(new Set([true]));
      expect(await pollard.verify(SINCE)).toEqual({
        ...allDelivered(3 * LINES),
        delivered: 2 * LINES,
        refused: LINES,
      });
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0, gaps: 0 } });
    });
  });
});
