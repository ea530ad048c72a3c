import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { isPossibleGapText } from '../../../src/collector/possible-gap.js';
import {
  ALL_THERE,
  allDelivered,
  engineLines,
  entriesOf,
  holesOf,
  reconcile,
  SETTLED,
  withInstallation,
} from '../../support/collector/index.js';
import { describeEngines, runContainer, type TestContainer } from '../../support/engines/index.js';
import { numbered, trickleNumbered } from '../../support/numbered.js';
import { until } from '../../support/until.js';

jest.setTimeout(300_000);

/** Each part of what a container writes begins when the collector has the one before. */
const PARTS = ['one', 'two', 'three', 'four'];
/** Of one part, which is more than a file of the log and less than all of them. */
const LINES = 250;

/** The files of a json-file log: the current one, and each that was rotated, compressed or not, counted once. */
function logFiles(container: TestContainer): Set<string> {
  const path = container.logPath();
  const files = readdirSync(dirname(path)).filter((name) => /\.log(\.\d+)?(\.gz)?$/.test(name));
  return new Set(files.map((name) => name.slice(basename(path).length).replace(/\.gz$/, '')));
}

describeEngines('A log that is rotated', (engine) => {
  test('under way, compressed or not, json-file or local: each line once, no gap', async () => {
    await withInstallation(engine(), async (pollard) => {
      const service = await pollard.run();
      const rotating = [
        { logDriver: 'json-file', logOptions: { 'max-size': '16k', 'max-file': '4' } },
        { logDriver: 'json-file', logOptions: { 'max-size': '16k', 'max-file': '4', compress: 'true' } },
        { logDriver: 'local', logOptions: { 'max-size': '16k', 'max-file': '4', compress: 'true' } },
        { logDriver: 'local', logOptions: { 'max-size': '16k', 'max-file': '4', compress: 'false' } },
      ];
      const containers = await Promise.all(
        rotating.map(async (log) => {
          // However late the collector comes, nothing is rotated away before it has read it.
          const waits = PARTS.map((part) => `while [ ! -e /${part} ]; do sleep 0.1; done`);
          const parts = PARTS.map((part, i) => `${waits[i]}; ${trickleNumbered(part, LINES, 200)}`);
          return await runContainer(engine(), { cmd: parts.join('; '), ...log });
        }),
      );
      for (const [i, part] of PARTS.entries()) {
        await Promise.all(containers.map((container) => container.exec(`touch /${part}`)));
        await pollard.untilStored((i + 1) * LINES * containers.length);
      }
      await Promise.all(containers.map((container) => container.wait()));
      // Otherwise this has proved nothing.
      for (const container of containers.slice(0, 2)) {
        await until('the first file of its log was rotated away', () => logFiles(container).size === 4, {
          instead: () => [...logFiles(container)],
        });
      }
      expect(await pollard.settle(service)).toEqual(SETTLED);
      const stdout = PARTS.flatMap((part) => numbered(part, LINES));
      const written = containers.map((container) => ({ container, stdout }));
      expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
    });
  });

  test('faster than it can be read: what is delivered and what the markers name is what was written', async () => {
    await withInstallation(
      engine(),
      async (pollard) => {
        const service = await pollard.run();
        const bursts = 4;
        const size = 4000;
        const rotation = { 'max-size': '64k', 'max-file': '2' };
        const containers = await Promise.all(
          [rotation, { ...rotation, compress: 'true' }].map(async (logOptions) => {
            return await runContainer(engine(), {
              // Each burst is several times what the log holds. What a log lost before its first poll, no one can know.
              cmd: `echo begin; n=0; while [ $n -lt ${bursts} ]; do while [ ! -e /go$n ]; do sleep 0.1; done; seq $((n*${size}+1)) $(((n+1)*${size})) | sed 's/^/line /'; touch /done$n; n=$((n+1)); done; echo end; while [ ! -e /exit ]; do sleep 0.1; done`,
              logOptions,
            });
          }),
        );
        await pollard.untilStored(containers.length);
        const eachRuns = async (command: string): Promise<number[]> => {
          const runs = await Promise.all(containers.map((container) => container.exec(command)));
          return runs.map(({ exitCode }) => exitCode);
        };
        for (let burst = 0; burst < bursts; burst++) {
          // Every other one outruns the collector for certain.
          if (burst % 2 === 0) service.signal('SIGSTOP');
          await eachRuns(`touch /go${burst}`);
          await until('the burst is written', async () =>
            (await eachRuns(`test -e /done${burst}`)).every((code) => code === 0),
          );
          service.signal('SIGCONT');
          // So each burst is a gap of its own, however busy the machine is.
          await service.readsAll();
        }
        await eachRuns('touch /exit');
        await Promise.all(containers.map((container) => container.wait()));
        await service.readsAll();
        expect((await service.stop()).code).toBe(0);
        expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0, gaps: 0 } });

        const written = ['begin', ...numbered('line', bursts * size), 'end'];
        const all = containers.map((container) => ({ container, stdout: written }));
        const holes = containers.map((container) => holesOf(pollard.loki, container, written));
        for (const each of holes) {
          expect(each.holes).toEqual(each.named);
          expect(each.delivered + each.lost).toBe(written.length);
          // Otherwise this has proved nothing.
          expect(each.named.length).toBeGreaterThan(1);
          expect(each.lost).toBeGreaterThan(0);
        }
        const { twice, unknown } = reconcile(all, pollard.loki);
        expect([twice, unknown]).toEqual([[], []]);
        const named = holes.reduce((sum, each) => sum + each.named.length, 0);
        const delivered = holes.reduce((sum, each) => sum + each.delivered, 0);
        const warned = service.records.filter(({ message }) => message.includes('lines were lost'));
        expect(warned).toHaveLength(named);
        expect(pollard.loki.counts()).toMatchObject({ strictDuplicates: 0, refused: {} });

        const left = await Promise.all(containers.map((container) => engineLines(container)));
        const lines = left.reduce((sum, { length }) => sum + length, 0);
        expect(await pollard.verify()).toEqual({
          ...allDelivered(lines),
          rotated: delivered - lines,
          gapMarkers: named,
        });
      },
      { settings: { 'poll.adaptive': 'false', 'poll.interval': '1500ms' } },
    );
  });

  test.each(['json-file', 'local'])(
    '%s, before the first poll: that its beginning may be lost is logged, counted, marked and verified',
    async (logDriver) => {
      await withInstallation(engine(), async (pollard) => {
        const service = await pollard.run();
        const logOptions = { 'max-size': '20k', 'max-file': '2' };
        const lost = await runContainer(engine(), {
          name: 'lost',
          cmd: 'seq 5000; sleep 1000',
          logDriver,
          logOptions,
        });
        const whole = await runContainer(engine(), {
          name: 'whole',
          cmd: 'seq 3; sleep 1000',
          logDriver,
          logOptions,
        });
        await until('both are read', () => {
          const last = (container: TestContainer) =>
            entriesOf(pollard.loki, container).map(({ line }) => line);
          return last(lost).includes('5000') && last(whole).includes('3');
        });
        await service.readsAll();
        const markers = entriesOf(pollard.loki, lost).filter(({ line }) => isPossibleGapText(line));
        expect(markers).toHaveLength(1);
        expect(markers[0]?.line).toContain('the log holds at most 40 kB');
        expect(await service.metric('pollard_possible_gaps_total')).toBe(1);
        expect(await service.metric('pollard_gaps_total')).toBe(0);
        const warned = service.records.filter(({ message }) => message.includes('may have been lost'));
        expect(warned).toMatchObject([{ container: 'lost' }]);
        const { containers } = await service.status();
        expect(Object.fromEntries(containers.map((each) => [each.name, each.possible_gaps]))).toEqual({
          lost: 1,
          whole: 0,
        });
        const left = (await engineLines(lost)).length;
        expect(left).toBeLessThan(5000);
        expect(await pollard.verify()).toEqual({ ...allDelivered(left + 3), possibleGapMarkers: 1 });
        // A new service knows its place, and says nothing more.
        expect((await service.stop()).code).toBe(0);
        expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: 0, possible_gaps: 0 } });
      });
    },
  );
});
