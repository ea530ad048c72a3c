import { expect, jest, test } from '@jest/globals';
import {
  ALL_THERE,
  entriesOf,
  reconcile,
  reconcileWithEngine,
  SETTLED,
  withInstallation,
} from '../../support/collector/index.js';
import { appendJsonLog } from '../../support/engines/json-log.js';
import { describeEngines, runContainer, runToEnd } from '../../support/engines/index.js';
import { numbered, printNumbered } from '../../support/numbered.js';
import { until } from '../../support/until.js';

jest.setTimeout(180_000);

/** Counts its starts in a file, and writes lines that tell the start. */
const countsItsStarts = [
  `n=$(($(cat /n 2>/dev/null || echo 0) + 1)); echo $n >/n`,
  `seq 1 40 | sed "s/^/run $n line /"`,
  `sleep 1000`,
].join(`; `);

describeEngines('The life of a container', (engine) => {
  test('over restart, stop and start again, each line arrives once; what it says at its end too', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const restarted = await runContainer(engine(), { cmd: countsItsStarts });
      const stopped = await runContainer(engine(), {
        cmd: `trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.1; done`,
      });
      await pollard.untilStored(40 + 1);
      await restarted.restart();
      await stopped.stop();
      await pollard.untilStored(80 + 2);
      await Promise.all([restarted.restart(), stopped.start()]);
      await pollard.untilStored(120 + 3);
      await Promise.all([restarted.stop(), stopped.stop()]);
      await pollard.untilStored(120 + 4);
      expect(await pollard.settle(service)).toEqual(SETTLED);
      const runs = [1, 2, 3].flatMap((n) => numbered(`run ${n} line`, 40));
      const written = [
        { container: restarted, stdout: runs },
        { container: stopped, stdout: ['hello', 'bye', 'hello', 'bye'] },
      ];
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
      const both = [{ container: restarted }, { container: stopped }];
      expect(await reconcileWithEngine(both, pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('the last words of one run and the first of the next stay two lines, with and without a TTY', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const containers = await Promise.all(
        [false, true].map(async (tty) => {
          return await runToEnd(engine(), { cmd: 'echo begin; printf "no newline"', tty });
        }),
      );
      for (const container of containers) {
        await container.start();
        await container.wait();
      }
      await pollard.untilStored(8);
      expect(await pollard.settle(service)).toEqual(SETTLED);
      const stdout = ['begin', 'no newline', 'begin', 'no newline'];
      const written = containers.map((container) => ({ container, stdout }));
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('its log grows after its end: all of it is delivered, by a service and by a catch-up', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const container = await runToEnd(engine(), { cmd: printNumbered('line', 20), name: 'ended' });
      await pollard.untilStored(20);
      await until('it was read to its end', async () => {
        const { containers } = await service.status();
        return containers.some(({ name, life }) => name === 'ended' && life === 'drained');
      });
      const append = async (first: number): Promise<void> => {
        const now = Date.now();
        const added = Array.from({ length: 20 }, (_, i) => ({
          log: `line ${first + i}\n`,
          stream: 'stdout' as const,
          time: new Date(now + i).toISOString(),
        }));
        await appendJsonLog(container, added);
      };
      await append(21);
      await pollard.untilStored(40);
      expect(await pollard.settle(service)).toEqual(SETTLED);
      await append(41);
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 20, gaps: 0 } });
      const written = [{ container, stdout: numbered('line', 60) }];
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('removed: what it wrote is there, it is named missed only if it may be, and not asked for again', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const container = await runContainer(engine(), {
        cmd: `${printNumbered('line', 100)}; sleep 1000`,
        name: 'short-lived',
      });
      await pollard.untilStored(100);
      const finished = await runToEnd(engine(), { cmd: 'echo done', name: 'finished' });
      await pollard.untilStored(101);
      const lifeOf = async (name: string) =>
        (await service.status()).containers.find((each) => each.name === name)?.life;
      await until('it is read to its end', async () => (await lifeOf('finished')) === 'drained');
      await finished.remove();
      await container.remove();
      await until('it is known to be gone', async () => (await lifeOf('short-lived')) === 'gone');
      await until('it is known to be gone', async () => (await lifeOf('finished')) === 'gone');
      const polls = await service.metric('pollard_polls_total');
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(await service.metric('pollard_polls_total')).toBe(polls);
      // Nobody can know whether the one that was killed wrote between its last poll and its end.
      const missed = service.records.filter(({ reason }) => reason === 'removed_early');
      expect(missed.map((record) => record['container'])).toEqual(['short-lived']);
      expect(await service.metric('pollard_missed_containers_total')).toBe(1);
      expect(await pollard.settle(service)).toEqual(SETTLED);
      const written = [
        { container, stdout: numbered('line', 100) },
        { container: finished, stdout: ['done'] },
      ];
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('renamed: nothing twice, what is new under the new name', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const container = await runContainer(engine(), {
        cmd: `echo before; while [ ! -e /go ]; do sleep 0.1; done; echo after; sleep 1000`,
        name: 'old',
      });
      await pollard.untilStored(1);
      await container.rename('new');
      await until('the new name is known', async () =>
        (await service.status()).containers.some(({ name }) => name === 'new'),
      );
      await container.exec('touch /go');
      await pollard.untilStored(2);
      expect(await pollard.settle(service)).toEqual(SETTLED);
      const entries = entriesOf(pollard.loki, container).map(({ labels, line }) => [
        labels['container'],
        line,
      ]);
      expect(entries).toEqual([
        ['old', 'before'],
        ['new', 'after'],
      ]);
    });
  });

  test('made anew under the same name: both logs are whole, told apart by the id', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const cmd = `${printNumbered('line', 50)}; sleep 1000`;
      const first = await runContainer(engine(), { cmd, name: 'web', labels: composeLabels });
      await pollard.untilStored(50);
      await first.remove();
      const second = await runContainer(engine(), { cmd, name: 'web', labels: composeLabels });
      await pollard.untilStored(100);
      expect(await pollard.settle(service)).toEqual(SETTLED);
      const stdout = numbered('line', 50);
      const written = [first, second].map((container) => ({ container, stdout }));
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
      expect(pollard.loki.streams().map(({ labels }) => labels)).toEqual([
        {
          container: 'web',
          stream: 'stdout',
          image: 'pollard-test:busybox',
          host: expect.any(String),
          job: 'docker',
          compose_project: 'shop',
          compose_service: 'front',
          service_name: 'web',
        },
      ]);
    });
  });

  test('start: end skips what was there before, but a container born later is read from its beginning', async () => {
    await withInstallation(
      engine(),
      async (pollard) => {
        const earlier = await runContainer(engine(), {
          cmd: `echo old; while [ ! -e /go ]; do sleep 0.1; done; echo new; sleep 1000`,
        });
        const over = await runToEnd(engine(), { cmd: 'echo over' });
        // The list has whole seconds, and one of the second of the start counts as born later.
        await new Promise((resolve) => setTimeout(resolve, 2100));
        const service = await pollard.run();
        await until('both are begun', async () =>
          (await service.status()).containers.every(({ polled_seconds_ago: ago }) => ago !== null),
        );
        await earlier.exec('touch /go');
        const born = await runToEnd(engine(), { cmd: 'echo from the beginning; echo to the end' });
        await pollard.untilStored(3);
        expect(await pollard.settle(service)).toEqual(SETTLED);
        const written = [
          { container: earlier, stdout: ['new'] },
          { container: over },
          { container: born, stdout: ['from the beginning', 'to the end'] },
        ];
        expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
      },
      { settings: { start: 'end' } },
    );
  });

  test('a logging driver that keeps no logs is reported once and then left alone', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      await runContainer(engine(), { cmd: 'echo x; sleep 1000', logDriver: 'none', name: 'mute' });
      const other = await runToEnd(engine(), { cmd: 'echo heard' });
      await pollard.untilStored(1);
      await service.logged('keeps no logs');
      // Several rounds of polls and looks at the events later.
      const third = await runToEnd(engine(), { cmd: 'sleep 2; echo later' });
      await pollard.untilStored(2);
      const said = service.records.filter((record) => record['container'] === 'mute');
      expect(said).toEqual([
        expect.objectContaining({ level: 'info', message: expect.stringContaining('keeps no logs') }),
      ]);
      expect((await service.health()).status).toBe(200);
      const { containers } = await service.status();
      expect(containers.find(({ name }) => name === 'mute')?.life).toBe('unlogged');
      await service.stop();
      const { code, summary } = await pollard.catchUp();
      expect([code, summary.no_log, summary.unreadable, summary.failed]).toEqual([0, ['mute'], [], []]);
      const written = [
        { container: other, stdout: ['heard'] },
        { container: third, stdout: ['later'] },
      ];
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
    });
  });
});

const composeLabels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'front' };
