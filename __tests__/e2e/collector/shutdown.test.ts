import { expect, jest, test } from '@jest/globals';
import {
  ALL_THERE,
  linesOf,
  reconcile,
  reconcileWithEngine,
  withInstallation,
} from '../../support/collector/index.js';
import { describeEngines, runContainer } from '../../support/engines/index.js';
import { allUntilStopped, numbered, numberedUntilStopped, trickleNumbered } from '../../support/numbered.js';
import { until } from '../../support/until.js';

jest.setTimeout(180_000);

describeEngines('The end of pollard run', (engine) => {
  test('SIGTERM under load: exit 0, all that was pushed is behind the cursor, the next run goes on there', async () => {
    await withInstallation(engine(), async (pollard) => {
      const containers = await Promise.all(
        ['json-file', 'local'].map(async (logDriver) => {
          return await runContainer(engine(), { cmd: numberedUntilStopped('line', 250), logDriver });
        }),
      );
      const service = await pollard.run();
      await pollard.untilStored(400);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(service.records.at(-1)).toMatchObject({ message: 'stopped', engine_sockets: 0 });
      const received = pollard.loki.counts().received;
      for (const container of containers) await container.exec('touch /stop');
      for (const container of containers) await container.wait();
      const { code, summary } = await pollard.catchUp();
      const written = containers.map((container) => {
        return { container, stdout: allUntilStopped('line', linesOf(pollard.loki, container)) };
      });
      const lines = written.reduce((sum, { stdout }) => sum + stdout.length, 0);
      expect([code, summary.lines]).toEqual([0, lines - received]);
      // Their last words at least came when the service had ended.
      expect(summary.lines).toBeGreaterThan(0);
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
      expect(pollard.loki.counts().strictDuplicates).toBe(0);
      const inEngine = containers.map((container) => ({ container }));
      expect(await reconcileWithEngine(inEngine, pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('SIGINT with a Loki that never answers: exit 0 when shutdown.timeout has passed, and nothing is lost', async () => {
    await withInstallation(engine(), async (pollard) => {
      const lift = pollard.loki.outage('hang');
      const container = await runContainer(engine(), { cmd: trickleNumbered('line', 300, 500) });
      const service = await pollard.run({ 'shutdown.timeout': '500ms' });
      await until('a push hangs', () => pollard.loki.outagesStruck > 0);
      service.signal('SIGINT');
      expect(await service.ended).toEqual({ code: 0, signal: null });
      lift();
      await container.wait();
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 300 } });
      expect(reconcile([{ container, stdout: numbered('line', 300) }], pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('a second signal ends it at once with 130, whatever is under way, and nothing is lost or twice', async () => {
    await withInstallation(engine(), async (pollard) => {
      // Accepted, but never acknowledged: the next process sends the same again, and Loki folds it.
      const lift = pollard.loki.outage('hang-after-accept');
      const container = await runContainer(engine(), { cmd: trickleNumbered('line', 300, 500) });
      const service = await pollard.run({ 'shutdown.timeout': '10m', 'loki.timeout': '10m' });
      await until('a push hangs', () => pollard.loki.outagesStruck > 0);
      service.signal('SIGTERM');
      await service.logged('asked to stop');
      service.signal('SIGTERM');
      expect(await service.ended).toEqual({ code: 130, signal: null });
      lift();
      await container.wait();
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 300 } });
      expect(reconcile([{ container, stdout: numbered('line', 300) }], pollard.loki)).toEqual(ALL_THERE);
    });
  });
});
