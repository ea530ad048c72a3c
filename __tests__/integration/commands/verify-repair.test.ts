import { expect, test } from '@jest/globals';
import { withSite, type Site } from '../../support/commands/site.js';

const ON_A = { start: 'beginning', 'collector.host': 'a' };
const ON_B = { 'collector.host': 'b' };

async function collected(site: Site): Promise<void> {
  const web = site.engine.addContainer({ name: 'web' });
  for (let i = 0; i < 30; i++) web.writeLine('stdout', `line ${i}`);
  expect((await site.pollard(['catch-up'], ON_A)).code).toBe(0);
}

test('the host is another than that of the service: the lines are found, and not sent again without --force', async () => {
  await withSite({}, async (site) => {
    await collected(site);
    const pushes = (): number => site.loki.requests.filter(({ path }) => path.endsWith('/push')).length;
    const before = pushes();

    const verified = await site.pollard(['verify'], ON_B);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain(
      '30 not under the labels of these settings: the same lines exist under {host="a"}',
    );

    const refused = await site.pollard(['verify', '--repair'], ON_B);
    expect(refused.code).toBe(6);
    expect(refused.stdout).toContain('the same lines exist under {host="a"}');
    expect(refused.stdout).toContain('30 lines were not sent again');
    expect(refused.stdout).toContain('--force');
    expect(pushes()).toBe(before);

    const forced = await site.pollard(['verify', '--repair', '--force'], ON_B);
    expect(forced.code).toBe(0);
    expect(site.loki.entries('{host="b"}')).toHaveLength(30);
    expect(site.loki.entries('{host="a"}')).toHaveLength(30);
  });
});

test('without structured metadata nobody can know: the lines count as missing', async () => {
  await withSite({ settings: { 'labels.structured_metadata': 'false' } }, async (site) => {
    await collected(site);
    const verified = await site.pollard(['verify'], ON_B);
    expect(verified.code).toBe(7);
    expect(verified.stdout).toContain('30 of 30 lines are missing in Loki');
  });
});

test('--force without --repair is refused', async () => {
  await withSite({}, async (site) => {
    const { code, stderr } = await site.pollard(['verify', '--force']);
    expect(code).toBe(2);
    expect(stderr).toContain('--force: there is nothing to force without --repair');
  });
});
