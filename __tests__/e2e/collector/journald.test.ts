import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  ALL_THERE,
  allDelivered,
  linesOf,
  reconcile,
  reconcileWithEngine,
  SETTLED,
  withInstallation,
} from '../../support/collector/index.js';
import { BusyLoops } from '../../support/busy-loops.js';
import { describeEngines, runContainer, runToEnd, texts } from '../../support/engines/index.js';
import { startJournal, type Journal } from '../../support/engines/journald.js';
import { numbered, printNumbered, trickleNumbered } from '../../support/numbered.js';
import { until } from '../../support/until.js';

jest.setTimeout(180_000);

const CHUNK = 16384;
const GROWING_LINES = 6000;

describeEngines('The driver journald', (engine) => {
  let journal: Journal;
  beforeAll(async () => {
    journal = await startJournal();
  });
  afterAll(async () => {
    await journal.stop();
  });

  test('both streams, long lines, CRLF, broken UTF-8, a restart: each line once', async () => {
    // 20.10 drops empty entries, also the last chunk of a line of exactly 16 KiB, whose end is then nowhere told.
    const keepsEmpty = engine().atLeast(23);
    const lengths = [...(keepsEmpty ? [CHUNK] : []), CHUNK + 1, 40_000, 200_000];
    const longLine = (length: number) =>
      `printf ${length}; head -c ${length - String(length).length} /dev/zero | tr '\\0' x; echo`;
    const longText = (length: number) => String(length).padEnd(length, 'x');
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const container = await runContainer(engine(), {
        cmd: [
          'echo first; echo',
          `printf 'crlf\\r\\n'; printf 'broken \\377 byte\\n'`,
          ...lengths.map(longLine),
          `${trickleNumbered('line', 60, 50)}; ${trickleNumbered('error', 20, 50)} >&2`,
          'printf unterminated',
        ].join('; '),
        logDriver: 'journald',
      });
      await container.wait();
      await container.start();
      await container.wait();
      const once = [
        'first',
        ...(keepsEmpty ? [''] : []),
        'crlf\r',
        'broken \ufffd byte',
        ...lengths.map(longText),
        ...numbered('line', 60),
        'unterminated',
      ];
      const errors = numbered('error', 20);
      await pollard.untilStored(2 * (once.length + errors.length));
      expect(await pollard.settle(service)).toEqual(SETTLED);
      const written = [{ container, stdout: [...once, ...once], stderr: [...errors, ...errors] }];
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
      const inEngine = [{ container, logDriver: 'journald' }];
      expect(await reconcileWithEngine(inEngine, pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('catch-up twice: the second run pushes nothing', async () => {
    await withInstallation(engine(), async (pollard) => {
      const container = await runToEnd(engine(), {
        cmd: printNumbered('line', 300),
        logDriver: 'journald',
      });
      // The journal has microseconds: lines that are not alike may share one, and stay apart all the same.
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 300 } });
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0 } });
      expect(reconcile([{ container, stdout: numbered('line', 300) }], pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('a journal that is written to while it is read, beside busy loops: no sound line is taken for damaged', async () => {
    const busy = new BusyLoops(2);
    try {
      await withInstallation(engine(), async (pollard) => {
        const service = await pollard.run({ 'poll.interval': '200ms', 'poll.min_interval': '50ms' });
        const container = await runContainer(engine(), {
          cmd: printNumbered('line', GROWING_LINES),
          logDriver: 'journald',
        });
        await container.wait();
        // The daemon goes on writing to the journal after its container's end.
        await until(
          'the journal has all lines',
          async () => (await texts(container, { tail: '1' })).at(-1) === `line ${GROWING_LINES}`,
          { patience: 120_000 },
        );
        await busy.stop();
        await service.stop();
        expect((await pollard.catchUp()).code).toBe(0);
        const lines = linesOf(pollard.loki, container);
        // Lines of one microsecond have no order in Loki.
        expect(lines.sort()).toEqual(numbered('line', GROWING_LINES).sort());
      });
    } finally {
      await busy.stop();
    }
  });
});

describeEngines(
  'The driver journald on a busy machine',
  (engine) => {
    let journal: Journal;
    beforeAll(async () => {
      journal = await startJournal();
    });
    afterAll(async () => {
      await journal.stop();
    });

    test('what the daemon writes after it has reported the end of the container is delivered', async () => {
      const lines = 20_000;
      await withInstallation(engine(), async (pollard) => {
        const service = await pollard.run();
        const busy = [1, 2, 3].map(() => spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }));
        try {
          const container = await runContainer(engine(), {
            cmd: printNumbered('line', lines),
            logDriver: 'journald',
          });
          // The daemon waits 10 s for its logger, and needs longer.
          await container.wait();
          await pollard.untilStored(lines, { patience: 150_000 });
          expect(await pollard.settle(service)).toEqual(SETTLED);
          expect(reconcile([{ container, stdout: numbered('line', lines) }], pollard.loki)).toEqual(
            ALL_THERE,
          );
          expect(await pollard.verify()).toEqual(allDelivered(lines));
        } finally {
          for (const loop of busy) loop.kill('SIGKILL');
        }
      });
    });
  },
  // It takes a minute, and all versions wait for the logger alike (moby: daemon/container/monitor.go).
  { versions: ['trixie'] },
);
