import { expect, jest, test } from '@jest/globals';
import { allDelivered, linesOf, withInstallation } from '../../support/collector/index.js';
import { ApiError, describeEngines, runContainer, type TestContainer } from '../../support/engines/index.js';
import { until } from '../../support/until.js';

jest.setTimeout(300_000);

const COUNT = 200;
const AT_ONCE = 10;
/**
 * Each makes up to eight events, and the Engine remembers 256. Of what falls out of its ring no one can know the
 * names; on a machine so busy that the service does not come to look, the test waits for it.
 */
const MOST_UNKNOWN = 20;

describeEngines(
  'Containers that are removed as soon as they end',
  (engine) => {
    test(`${COUNT} of 100 ms each: those that are delivered and those that are named as missed are all of them`, async () => {
      await withInstallation(
        engine(),
        async (pollard) => {
          const service = await pollard.run();
          const containers: { readonly name: string; readonly container: TestContainer }[] = [];
          let begun = 0;
          const runOneByOne = async (): Promise<void> => {
            while (begun < COUNT) {
              const name = `brief-${++begun}`;
              const cmd = 'echo begin; sleep 0.1; echo end';
              const container = await runContainer(engine(), { cmd, name, autoRemove: true });
              containers.push({ name, container });
              await untilRemoved(container);
              const known = async () => (await service.status()).containers.length;
              const wanted = containers.length - MOST_UNKNOWN;
              if (wanted > 0) await until('the service knows most', async () => (await known()) >= wanted);
            }
          };
          await Promise.all(Array.from({ length: AT_ONCE }, runOneByOne));
          await until('all are known to be gone', async () => {
            const { containers: known } = await service.status();
            return known.length === COUNT && known.every(({ life }) => life === 'gone');
          });
          const missed = await service.metric('pollard_missed_containers_total');
          expect(await service.metric('pollard_gaps_total')).toBe(0);
          expect((await service.stop()).code).toBe(0);

          const named = service.records.filter(({ reason }) =>
            ['never_polled', 'removed_early'].includes(reason as string),
          );
          expect(named).toHaveLength(missed);
          const namedOnes = new Map(named.map((record) => [record['container'], record['id']]));
          expect(namedOnes.size).toBe(missed);
          for (const { name, container } of containers) {
            const lines = linesOf(pollard.loki, container);
            // Of one that is named some may be there nevertheless, but never twice.
            if (namedOnes.has(name)) {
              expect([name, namedOnes.get(name)]).toEqual([name, container.id.slice(0, 12)]);
              expect(['', 'begin', 'begin,end']).toContain(lines.join());
            } else expect([name, lines]).toEqual([name, ['begin', 'end']]);
          }
          console.log(`${engine().version}: ${COUNT - missed} delivered, ${missed} named as missed`);
          expect(pollard.loki.counts()).toMatchObject({ strictDuplicates: 0, refused: {} });
          // Nothing of them is left in the Engine to hold Loki against, and a catch-up names none again.
          expect(await pollard.verify()).toEqual(allDelivered(0));
          const after = await pollard.catchUp();
          expect(after).toMatchObject({ code: 0, summary: { containers: 0, lines: 0 } });
          expect(after.program.records.filter(({ reason }) => reason !== undefined)).toEqual([]);
        },
        { settings: { 'poll.interval': '5s', 'poll.max_interval': '10s' } },
      );
    });
  },
  { versions: ['trixie'] },
);

async function untilRemoved(container: TestContainer): Promise<void> {
  try {
    await container.wait('removed');
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}
