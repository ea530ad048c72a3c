import { expect, jest, test } from '@jest/globals';
import { ALL_THERE, reconcile, withInstallation } from '../../support/collector/index.js';
import { describeEngines, runContainer, runToEnd } from '../../support/engines/index.js';
import { numbered, printNumbered } from '../../support/numbered.js';

jest.setTimeout(180_000);

describeEngines('pollard catch-up', (engine) => {
  test('brings all that is there; the second run pushes nothing; a third one only what is new', async () => {
    await withInstallation(engine(), async (pollard) => {
      const ended = await runToEnd(engine(), { cmd: printNumbered('a', 2000) });
      const local = await runToEnd(engine(), { cmd: printNumbered('b', 500), logDriver: 'local' });
      const running = await runContainer(engine(), {
        cmd: `${printNumbered('c', 700)}; while [ ! -e /go ]; do sleep 0.1; done; ${printNumbered('c', 300, 701)}; touch /done; sleep 1000`,
        tty: true,
      });

      const first = await pollard.catchUp();
      expect(first).toMatchObject({
        code: 0,
        summary: { containers: 3, lines: 3200, gaps: 0, rejected: 0, failed: [], unreadable: [] },
      });
      const pushes = pollard.loki.counts().requests;
      const received = pollard.loki.counts().received;
      expect(received).toBe(3200);

      const second = await pollard.catchUp();
      expect(second).toMatchObject({ code: 0, summary: { containers: 3, lines: 0, failed: [] } });
      expect(pollard.loki.counts()).toMatchObject({ requests: pushes, received });

      await running.exec('touch /go; while [ ! -e /done ]; do sleep 0.1; done');
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 300, gaps: 0 } });
      const written = [
        { container: ended, stdout: numbered('a', 2000) },
        { container: local, stdout: numbered('b', 500) },
        { container: running, stdout: numbered('c', 1000) },
      ];
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
      expect(pollard.loki.counts()).toMatchObject({ strictDuplicates: 0, refused: {} });
    });
  });

  test('beside a service: says who holds the cursors, exits with 5, and touches nothing', async () => {
    await withInstallation(engine(), async (pollard) => {
      const container = await runToEnd(engine(), { cmd: printNumbered('line', 100) });
      const service = await pollard.run();
      await pollard.untilStored(100);
      const beside = pollard.launch(['catch-up']);
      expect(await beside.ended).toMatchObject({ code: 5 });
      expect(beside.stdout).toBe('');
      const message = beside.stderr;
      expect(message).toContain(pollard.stateDir);
      expect(message).toContain(`pollard run`);
      expect(message).toContain(String(service.pid));
      expect(service.running).toBe(true);
      await service.stop();
      // With the service gone the way is free.
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0 } });
      expect(reconcile([{ container, stdout: numbered('line', 100) }], pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('with Loki away: exits with 4 and names what failed; the next run brings it all', async () => {
    await withInstallation(
      engine(),
      async (pollard) => {
        const container = await runToEnd(engine(), { cmd: printNumbered('line', 100), name: 'patient' });
        const lift = pollard.loki.outage({ status: 503 });
        const { code, summary } = await pollard.catchUp();
        expect(code).toBe(4);
        expect(summary.failed).toEqual([
          expect.objectContaining({
            container: 'patient',
            code: 'push_failed',
            reason: expect.stringContaining('503'),
          }),
        ]);
        lift();
        expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 100 } });
        expect(reconcile([{ container, stdout: numbered('line', 100) }], pollard.loki)).toEqual(ALL_THERE);
      },
      { settings: { 'loki.backoff.max_retries': '3' } },
    );
  });
});
