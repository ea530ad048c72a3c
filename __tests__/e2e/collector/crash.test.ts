import { setTimeout as delay } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { seededRandom } from '../../../src/simulators/engine/index.js';
import {
  ALL_THERE,
  allDelivered,
  engineLines,
  reconcile,
  reconcileWithEngine,
  withInstallation,
} from '../../support/collector/index.js';
import { describeEngines, runContainer } from '../../support/engines/index.js';
import { allUntilStopped, numberedUntilStopped } from '../../support/numbered.js';
import { until } from '../../support/until.js';

jest.setTimeout(300_000);

const KILLS = 20;
/** From one of three moments: its start, the beginning of its work, the first push that reaches Loki. */
const LONGEST_DELAY_MS = 1000;
const SEED = 8;

const LONG = `head -c 40000 /dev/zero | tr '\\0' x`;

describeEngines('kill -9', (engine) => {
  test(`of pollard run under load at ${KILLS} random instants: 0 lost, 0 twice`, async () => {
    const random = seededRandom(SEED);
    await withInstallation(engine(), async (pollard) => {
      // An answer that takes its time, so that some die between the push and its acknowledgement.
      pollard.loki.outage({ delayMs: 40 }, { endpoint: 'push', probability: 0.5 });
      const shapes = [
        { logDriver: 'json-file', tty: false },
        { logDriver: 'local', tty: false },
        { logDriver: 'json-file', tty: true },
        { logDriver: 'local', tty: true },
        { logDriver: 'json-file', tty: false, logOptions: { 'max-size': '2m', 'max-file': '20' } },
      ];
      const containers = await Promise.all(
        shapes.map(async (shape) => {
          const container = await runContainer(engine(), {
            cmd: [
              `${numberedUntilStopped('out', 200)} &`,
              `${numberedUntilStopped('err', 60)} >&2 &`,
              `while [ ! -e /stop ]; do ${LONG}; usleep 400000; ${LONG}; echo; done; wait`,
            ].join(' '),
            ...shape,
          });
          return { ...shape, container };
        }),
      );

      for (let kill = 0; kill < KILLS; kill++) {
        const service = pollard.launch(['run']);
        const { requests } = pollard.loki.counts();
        if (kill % 3 > 0) await service.logged('collecting');
        if (kill % 3 > 1) await until('something is pushed', () => pollard.loki.counts().requests > requests);
        await delay(random() * LONGEST_DELAY_MS);
        expect(await service.kill()).toEqual({ code: null, signal: 'SIGKILL' });
      }

      await Promise.all(containers.map(({ container }) => container.exec('touch /stop')));
      await Promise.all(containers.map(({ container }) => container.wait()));
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { gaps: 0, rejected: 0 } });
      expect(await reconcileWithEngine(containers, pollard.loki)).toEqual(ALL_THERE);
      expect(pollard.loki.counts().refused).toEqual({});
      expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0 } });
      expect(await pollard.verify()).toEqual(allDelivered(pollard.loki.counts().entries));

      // And the Engine's logs hold all that was written.
      const short = await Promise.all(
        containers.map(async ({ container, ...shape }) => {
          const lines = (await engineLines(container, shape)).map(({ text }) => text);
          const out = allUntilStopped('out', lines);
          const err = allUntilStopped('err', lines);
          const long = lines.filter((line) => line.startsWith('xxx'));
          return shape.tty
            ? { container, stdout: [...out, ...err, ...long] }
            : { container, stdout: [...out, ...long], stderr: err };
        }),
      );
      expect(reconcile(short, pollard.loki)).toEqual(ALL_THERE);
    });
  });
});
