import { describe, expect, test } from '@jest/globals';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { withSite, type Site } from '../../support/commands/site.js';
import type { Service } from '../../support/collector/service.js';
import { withSmallDisk } from '../../support/small-disk.js';
import { until } from '../../support/until.js';

/**
 * The reported input was 100,000 lines of 2 kB and a disk of 64 MiB, which is a third of them. The ratio is the same
 * here.
 */
const OLD_LINES = 2000;
const DISK_KIB = 1280;
const LIVE_LINES = 120;
const DAY_NS = 86_400n * 1_000_000_000n;

/** An exited container whose log is 30 days old. */
function addOldHistory(site: Site): void {
  const old = site.engine.addContainer({ name: 'old' });
  const from = BigInt(Date.now()) * 1_000_000n - 30n * DAY_NS;
  for (let i = 0; i < OLD_LINES; i++) {
    const stream = i % 4 === 0 ? 'stderr' : 'stdout';
    old.writeLine(stream, `${i} `.padEnd(2000, 'x'), from + BigInt(i) * 1_000_000n);
  }
  old.die();
}

/** Runs the service until all lines of a live container are in Loki. */
async function collectLive(site: Site): Promise<Service> {
  const live = site.engine.addContainer({ name: 'live' });
  const service = await site.run();
  for (let i = 0; i < LIVE_LINES; i++) {
    live.writeLine('stdout', `live ${i}`);
    if (i % 10 === 0) await service.readsAll();
  }
  await until(
    'all lines of the live container are in Loki',
    () => site.loki.entries('{container="live"}').length === LIVE_LINES,
    { instead: () => [site.loki.counts(), service.lastWords()] },
  );
  return service;
}

async function untilDrained(site: Site, service: Service): Promise<void> {
  await until(
    'the old log was read to its end',
    async () => (await service.status()).containers.find(({ name }) => name === 'old')?.life === 'drained',
    { instead: () => [site.loki.counts(), service.lastWords()] },
  );
}

/** The state directory on a disk of its own. */
async function withOldHistory(
  loki: Parameters<typeof withSite>[0]['loki'],
  use: (site: Site, stateDir: string) => Promise<void>,
): Promise<void> {
  await withSmallDisk(DISK_KIB, async (disk) => {
    const stateDir = join(disk, 'state');
    await withSite(
      { settings: { 'collector.state_dir': stateDir }, ...(loki ? { loki } : {}) },
      async (site) => {
        addOldHistory(site);
        await use(site, stateDir);
      },
    );
  });
}

describe('an exited container with an old log, three times as large as the disk of the state directory', () => {
  test('Loki refuses its age: the live container goes on, and the old lines are skipped and reported', async () => {
    await withOldHistory(undefined, async (site, stateDir) => {
      const service = await collectLive(site);
      await untilDrained(site, service);
      const health = await service.health();
      expect(health.status).toBe(200);
      expect(JSON.parse(health.body)).toMatchObject({ state: 'healthy' });

      expect(site.loki.entries('{container="old"}')).toEqual([]);
      // A push or two for each stream until the limit is known.
      expect(site.loki.counts().pushStatuses[400]).toBeLessThanOrEqual(4);
      expect(await service.metric('pollard_skipped_too_old_lines_total')).toBe(OLD_LINES);
      expect(await service.metric('pollard_rejected_lines_total')).toBe(OLD_LINES);
      const live = site.loki.entries('{container="live"}');
      expect(await service.metric('pollard_lines_total')).toBe(LIVE_LINES);
      expect(await service.metric('pollard_bytes_total')).toBe(
        live.reduce((sum, { line }) => sum + line.length, 0),
      );
      expect(statSync(join(stateDir, 'rejected.jsonl')).size).toBe(0);

      expect(await service.logged('skipped: older than the 7 days that Loki accepts')).toMatchObject({
        container: 'old',
        lines: OLD_LINES,
        message: expect.stringMatching(/^2,000 lines from \S+ to \S+ skipped: /),
      });
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(service.said('warn').filter(({ container }) => container === 'old')).toHaveLength(1);

      const verify = await site.pollard(['verify', '--since', '60d', '--json']);
      expect(verify.code).toBe(0);
      const report = JSON.parse(verify.stdout) as {
        totals: object;
        containers: { container: string; refusals: object[] }[];
      };
      expect(report.totals).toMatchObject({ missing: 0, refused: OLD_LINES, delivered: LIVE_LINES });
      expect(report.containers.find(({ container }) => container === 'old')?.refusals).toMatchObject([
        { kind: 'too-old', lines: OLD_LINES, reason: 'older than the 7 days that Loki accepts' },
      ]);
    });
  });

  test('Loki accepts all ages: all of it is in Loki', async () => {
    await withOldHistory({ limits: { rejectOldSamples: false } }, async (site, stateDir) => {
      const service = await collectLive(site);
      await site.untilStored(OLD_LINES + LIVE_LINES);
      await untilDrained(site, service);
      expect((await service.health()).status).toBe(200);
      expect(site.loki.entries('{container="old"}')).toHaveLength(OLD_LINES);
      expect(await service.metric('pollard_skipped_too_old_lines_total')).toBe(0);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(readdirSync(stateDir).filter((name) => name.includes('summary'))).toEqual([]);
      expect((await site.pollard(['verify', '--since', '60d'])).code).toBe(0);
    });
  });

  test('catch-up: ends, and has delivered what Loki accepts', async () => {
    await withOldHistory(undefined, async (site) => {
      const live = site.engine.addContainer({ name: 'live' });
      for (let i = 0; i < LIVE_LINES; i++) live.writeLine('stdout', `live ${i}`);
      const { code, stdout, stderr } = await site.pollard(['catch-up', '--json']);
      expect(code).toBe(6);
      expect(JSON.parse(stdout)).toMatchObject({ lines: LIVE_LINES, rejected: OLD_LINES, failed: [] });
      expect(stderr).toMatch(/2,000 lines from \S+ to \S+ skipped: older than the 7 days that Loki accepts/);
      expect(site.loki.entries()).toHaveLength(LIVE_LINES);
      expect((await site.pollard(['verify', '--since', '60d'])).code).toBe(0);
      const check = await site.pollard(['check', '--ascii']);
      expect(check.stdout).toMatch(/2,000 lines that Loki does not accept were skipped or not kept/);
    });
  });
});

describe('pollard check, beforehand', () => {
  const HOUR_NS = 3600n * 1_000_000_000n;
  const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

  interface Checked {
    readonly parts: readonly {
      part: string;
      state: string;
      warnings: readonly { code: string; message: string }[];
    }[];
    readonly containers: readonly { name: string; too_old: { lines: number; exact: boolean } | null }[];
  }
  async function check(site: Site, settings: Record<string, string> = {}): Promise<Checked> {
    const { code, stdout } = await site.pollard(['check', '--json'], settings);
    expect(code).toBe(0);
    return JSON.parse(stdout) as Checked;
  }
  const oldOf = ({ containers }: Checked): unknown[] =>
    containers.map(({ name, too_old: old }) => [name, old]);

  test('says of each container how many of its lines are older than Loki accepts', async () => {
    await withSite({}, async (site) => {
      addOldHistory(site);
      const mixed = site.engine.addContainer({ name: 'mixed' });
      for (let i = 0; i < 40; i++)
        mixed.writeLine('stdout', `old ${i}`, now() - 10n * DAY_NS + BigInt(i) * HOUR_NS);
      for (let i = 0; i < 300; i++) mixed.writeLine('stdout', `new ${i}`);
      site.engine.addContainer({ name: 'new' }).writeLine('stdout', 'new');

      const checked = await check(site);
      expect(oldOf(checked)).toEqual([
        ['mixed', expect.objectContaining({ lines: 40, exact: true })],
        ['new', null],
        ['old', expect.objectContaining({ lines: OLD_LINES, exact: true })],
      ]);
      const { warnings } = checked.parts.find(({ part }) => part === 'containers')!;
      expect(warnings).toMatchObject([
        {
          code: 'lines_too_old',
          message:
            '2 containers have lines that are older than the 7 days that Loki accepts (reject_old_samples_max_age): those would be skipped',
        },
      ]);
      const { stdout } = await site.pollard(['check', '--ascii']);
      expect(stdout).toMatch(/^old .* 2,000 lines, \d{4}-\S+ \S+ to \d{4}-\S+ \S+$/m);
      expect(stdout).toMatch(/^new .* -$/m);

      // The list has whole seconds: a container of this second counts as made under watch, whatever `start` says.
      const made = Date.now();
      await until('another second has begun', () => Math.floor(Date.now() / 1000) > Math.floor(made / 1000));
      // What is not wanted, or delivered, is not counted.
      expect(oldOf(await check(site, { start: '8d' }))).toEqual([
        ['mixed', null],
        ['new', null],
        ['old', null],
      ]);
      await site.pollard(['catch-up']);
      expect(oldOf(await check(site))).toEqual([
        ['mixed', null],
        ['new', null],
        ['old', null],
      ]);
    });
  });

  test('reads no more of a large old log than it must', async () => {
    await withSite({}, async (site) => {
      const old = site.engine.addContainer({ name: 'old' });
      for (let i = 0; i < 9000; i++) {
        old.writeLine('stdout', `${i} `.padEnd(2000, 'x'), now() - 30n * DAY_NS + BigInt(i) * 1000n);
      }
      const [[, counted] = []] = oldOf(await check(site)) as [string, { lines: number; exact: boolean }][];
      expect(counted?.exact).toBe(false);
      expect(counted?.lines).toBeGreaterThan(4000);
      expect(counted?.lines).toBeLessThan(9000);
    });
  });

  test('a Loki that accepts all ages has nothing too old; of one that does not tell its limit the setting does', async () => {
    await withSite({ loki: { limits: { rejectOldSamples: false } } }, async (site) => {
      addOldHistory(site);
      expect(oldOf(await check(site))).toEqual([['old', null]]);
      site.loki.outage({ status: 404 }, { endpoint: 'state' });
      expect(oldOf(await check(site, { 'loki.limits.max_age': '60d' }))).toEqual([['old', null]]);
      const checked = await check(site, { 'loki.limits.max_age': '36h' });
      expect(oldOf(checked)).toEqual([['old', expect.objectContaining({ lines: OLD_LINES })]]);
      expect(checked.parts.at(-1)?.warnings[0]?.message).toMatch(
        /older than 36 hours \(loki\.limits\.max_age/,
      );
    });
  });
});
