import { expect, test } from '@jest/globals';
import { withSite, type Site } from '../../support/commands/site.js';
import { until } from '../../support/until.js';

const WORDS = 'not collected: its driver keeps no logs';
const ABOUT_IT = /driver|silent/;

interface Checked {
  readonly parts: readonly { readonly part: string; readonly state: string; readonly facts: object }[];
  readonly containers: readonly object[];
}

/** A container that is collected, and one with `--log-driver none`. */
async function withSilent(use: (site: Site) => Promise<void>): Promise<void> {
  await withSite({ settings: { start: 'beginning' } }, async (site) => {
    site.engine.addContainer({ name: 'web' }).writeLine('stdout', 'hello');
    site.engine.addContainer({ name: 'silent', driver: 'none' });
    await use(site);
  });
}

test('a container whose driver keeps no logs is information to each command, and no fault', async () => {
  await withSilent(async (site) => {
    const text = await site.pollard(['catch-up']);
    expect(text.code).toBe(0);
    expect(text.stderr).not.toMatch(ABOUT_IT);
    expect(text.stdout).toMatch(new RegExp(`^not collected {7}silent \\(its driver keeps no logs\\)$`, 'm'));
    const summary = JSON.parse((await site.pollard(['catch-up', '--json'])).stdout) as object;
    expect(summary).toMatchObject({ failed: [], unreadable: [], no_log: ['silent'] });

    const verified = await site.pollard(['verify']);
    expect(verified.code).toBe(0);
    expect(verified.stderr).not.toMatch(ABOUT_IT);
    expect(verified.stdout).toMatch(new RegExp(`^note +silent: ${WORDS}$`, 'm'));
    expect(verified.stdout).toMatch(/^nothing is missing \(/m);
    const audited = JSON.parse((await site.pollard(['verify', '--json'])).stdout) as object;
    expect(audited).toMatchObject({ containers: [{ container: 'silent', status: 'no-log' }, {}] });

    const checked = await site.pollard(['check', '--ascii']);
    expect(checked.code).toBe(0);
    expect(checked.stderr).not.toMatch(ABOUT_IT);
    expect(checked.stdout).toMatch(/^ok +containers +1 of 2 would be collected$/m);
    expect(checked.stdout).toMatch(new RegExp(`^silent .* none +- +${WORDS} *$`, 'm'));
    expect(checked.stdout).not.toMatch(/! .*silent|-> .*docker\.host/);
    const { parts, containers } = JSON.parse((await site.pollard(['check', '--json'])).stdout) as Checked;
    expect(parts.find(({ part }) => part === 'containers')).toMatchObject({
      state: 'ok',
      facts: { selected: 1 },
    });
    expect(containers).toContainEqual(
      expect.objectContaining({ name: 'silent', readable: false, no_log: true, begin: null, error: null }),
    );
    // Nobody asked for what is not there.
    const { id } = site.engine.find('silent')!;
    expect(site.engine.requests.of('logs').filter(({ path }) => path.includes(id))).toEqual([]);
  });
});

test('a service names it once, as information, and shows it so', async () => {
  await withSilent(async (site) => {
    const service = await site.run();
    await until('it is named', () =>
      service.records.some(({ message }) => message.includes('keeps no logs')),
    );
    await site.untilStored(1);
    site.engine.find('silent')?.stop();
    site.engine.find('silent')?.start();
    site.engine.find('web')?.writeLine('stdout', 'later');
    await site.untilStored(2);
    const named = service.records.filter(({ message }) => message.includes('keeps no logs'));
    expect(named).toMatchObject([{ level: 'info', container: 'silent' }]);
    expect(service.said('warn', 'error').filter((each) => ABOUT_IT.test(JSON.stringify(each)))).toEqual([]);
    const settings = { 'status.listen': new URL(service.url).host };
    await until('the status shows it', async () =>
      /^silent +no log /m.test((await site.pollard(['status'], settings)).stdout),
    );
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });
});

test('a driver that cannot be read for another reason stays a warning', async () => {
  await withSilent(async (site) => {
    const { id } = site.engine.find('web')!;
    site.engine.fault({ endpoint: 'logs', container: id }, { kind: 'status', status: 501 });
    const caughtUp = await site.pollard(['catch-up']);
    expect(caughtUp.stderr).toMatch(/logging driver of a container cannot be read/);
    expect((await site.pollard(['verify'])).code).toBe(6);
    const checked = await site.pollard(['check', '--ascii']);
    expect(checked.stdout).toMatch(/! web: .*501.*\n +-> .*choose json-file, local or journald$/m);
    expect(checked.stdout).toMatch(/^web .* json-file +no +no: its driver cannot be read *$/m);
  });
});
