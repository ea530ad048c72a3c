import { expect, jest, test } from '@jest/globals';
import {
  ALL_THERE,
  entriesOf,
  reconcile,
  SETTLED,
  withInstallation,
  type Installation,
} from '../../support/collector/index.js';
import {
  createContainer,
  describeEngines,
  runContainer,
  type TestContainer,
} from '../../support/engines/index.js';
import { numbered, printNumbered } from '../../support/numbered.js';
import { until } from '../../support/until.js';

jest.setTimeout(300_000);

const REPETITIONS = 20;
const LINES = 20;
/** Containers that only make the list longer. */
const OTHERS = 60;

/** The distinct values of a label over all entries of a container. */
function valuesOf(
  { loki }: Installation,
  container: TestContainer,
  label: string,
): readonly (string | undefined)[] {
  return [...new Set(entriesOf(loki, container).map(({ labels }) => labels[label]))];
}

describeEngines('Who a container is', (engine) => {
  test('created under a temporary name, listed, renamed and started at once: no line has the temporary name', async () => {
    const settings = { 'discovery.list_interval': '1s' };
    await withInstallation(
      engine(),
      async (pollard) => {
        const service = await pollard.run();
        const cmd = printNumbered('line', LINES);
        const made: { readonly container: TestContainer; readonly name: string }[] = [];
        for (let n = 0; n < REPETITIONS; n++) {
          const name = `web-${n}`;
          made.push({ container: await createContainer(engine(), { cmd, name: `abc123_${name}` }), name });
        }
        for (let n = 0; n < OTHERS; n++) await createContainer(engine(), { cmd: 'true' });
        const all = REPETITIONS + OTHERS;
        await until('all are listed', async () => (await service.status()).containers.length === all);
        // One after the other: each is a look at the events of its own, beside a list that takes its time.
        for (const [n, { container, name }] of made.entries()) {
          await container.rename(name);
          await container.start();
          await pollard.untilStored((n + 1) * LINES);
        }
        expect(await pollard.settle(service)).toEqual(SETTLED);
        const names = made.map(({ container }) => valuesOf(pollard, container, 'container'));
        expect(names).toEqual(made.map(({ name }) => [name]));
        const written = made.map(({ container }) => ({ container, stdout: numbered('line', LINES) }));
        expect(reconcile(written, pollard.loki)).toEqual(ALL_THERE);
      },
      { settings },
    );
  });

  test('its labels have the names of event attributes: they are those of its stream, before and after a restart', async () => {
    const labels = {
      name: 'shop',
      image: 'base',
      exitCode: 'never',
      signal: 'green',
      execDuration: 'long',
      oldName: 'store',
    };
    const settings = {
      'labels.from_container':
        '{app: name, base: image, code: exitCode, light: signal, duration: execDuration, former: oldName}',
      // Found by its event.
      'discovery.list_interval': '1h',
    };
    await withInstallation(
      engine(),
      async (pollard) => {
        const service = await pollard.run();
        const container = await runContainer(engine(), {
          cmd: `${printNumbered('line', 10)}; while [ ! -e /go ]; do sleep 0.1; done; ${printNumbered('more', 10)}; sleep 1000`,
          name: 'shop-1',
          labels,
        });
        await pollard.untilStored(10);
        expect((await service.stop()).code).toBe(0);
        const again = await pollard.run();
        await container.exec('touch /go');
        await pollard.untilStored(20);
        expect(await pollard.settle(again)).toEqual(SETTLED);
        const found = ['app', 'base', 'code', 'light', 'duration', 'former'].map((label) =>
          valuesOf(pollard, container, label),
        );
        expect(found).toEqual(Object.values(labels).map((value) => [value]));
        expect(await pollard.verify()).toMatchObject({ exit: 0, delivered: 20, missing: 0 });
        const stdout = [...numbered('line', 10), ...numbered('more', 10)];
        expect(reconcile([{ container, stdout }], pollard.loki)).toEqual(ALL_THERE);
      },
      { settings },
    );
  });
});
