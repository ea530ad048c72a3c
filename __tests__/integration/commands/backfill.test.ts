import { describe, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SimulatedContainer } from '../../../src/simulators/engine/index.js';
import { withSite, type Site } from '../../support/commands/site.js';
import type { Service } from '../../support/collector/service.js';
import { until } from '../../support/until.js';

const SECOND = 1_000_000_000n;
const HOUR = 3600n * SECOND;
const DAY = 24n * HOUR;
const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
const iso = (stamp: bigint): string => new Date(Number(stamp / 1_000_000n)).toISOString();

/** Lines of one container, oldest first, as many seconds apart as fill the range. */
function write(
  container: SimulatedContainer,
  from: bigint,
  until: bigint,
  lines: number,
  word: string,
): void {
  const step = (until - from) / BigInt(lines);
  for (let i = 0; i < lines; i++) {
    container.writeLine(i % 4 === 0 ? 'stderr' : 'stdout', `${word} ${i}`, from + BigInt(i) * step);
  }
}

interface Row {
  readonly container: string;
  readonly [figure: string]: unknown;
}

interface Report {
  readonly name: string;
  readonly containers: readonly Row[];
  readonly exit_code: number;
}

async function fill(site: Site, ...words: string[]): Promise<Report & { readonly code: number }> {
  const { code, stdout, stderr } = await site.pollard(['backfill', ...words, '--json']);
  if (stdout === '') throw new Error(`exit code ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout) as Report), code };
}

function pushes(site: Site): number {
  return site.loki.requests.filter(({ path }) => path.endsWith('/push')).length;
}

/** A service with a cursor at the end of the only log. */
async function serviceAtEnd(site: Site): Promise<Service> {
  // The log of a container that was made when the service started is read from its beginning.
  const made = Date.now();
  await until('the container is older than the service', () => Date.now() > made + 2500);
  const service = await site.run();
  await until('the end of the log was looked up', () => Object.keys(cursors(site)).length === 1);
  return service;
}

/** Every cursor file, byte for byte. */
function cursors(site: Site): Record<string, string> {
  const dir = join(site.stateDir, 'cursors');
  return Object.fromEntries(readdirSync(dir).map((file) => [file, readFileSync(join(dir, file), 'base64')]));
}

describe('pollard backfill', () => {
  test('sends what Loki does not have of the range, each line once, and nothing the second time', async () => {
    await withSite({}, async (site) => {
      const end = now() - 600n * SECOND;
      const web = site.engine.addContainer({ name: 'web' });
      write(web, end - HOUR, end, 400, 'web');
      write(web, end, end + 60n * SECOND, 20, 'later');
      const range = ['--since', iso(end - HOUR), '--until', iso(end)];

      const first = await fill(site, ...range);
      expect(first.code).toBe(0);
      expect(first.containers).toMatchObject([
        { container: 'web', lines: 400, already_there: 0, sent: 400, missing: 0 },
      ]);
      // The range is half-open.
      expect(site.loki.entries('{container="web"}')).toHaveLength(400);

      const before = pushes(site);
      const second = await fill(site, ...range);
      expect(second.code).toBe(0);
      expect(second.containers).toMatchObject([{ lines: 400, already_there: 400, sent: 0, missing: 0 }]);
      expect(pushes(site)).toBe(before);
      expect(site.loki.counts()).toMatchObject({ entries: 400, received: 400, refused: {} });
      expect(site.engine.requests.violations).toEqual([]);
      expect(site.engine.connections().open).toBe(0);
    });
  });

  test('beside a service that begins at the end: old lines are filled, its cursors do not change', async () => {
    await withSite({ settings: { start: 'end' } }, async (site) => {
      const web = site.engine.addContainer({ name: 'web' });
      write(web, now() - 5n * HOUR, now() - 2n * HOUR, 300, 'old');
      const service = await serviceAtEnd(site);
      for (let i = 0; i < 50; i++) web.writeLine('stdout', `live ${i}`);
      await until('the live lines are in Loki', () => site.loki.entries('{container="web"}').length === 50);
      await service.readsAll();
      const before = cursors(site);

      const filled = await fill(site, '--since', '6h', '--until', '1h');
      expect(filled.code).toBe(0);
      // An hour behind its newest line the live stream refuses them. The stream of stderr has no newer line.
      expect(filled.containers).toMatchObject([
        { lines: 300, sent: 300, sent_under_label: 225, refused: [] },
      ]);
      expect(site.loki.entries(`{container="web", backfill="${filled.name}"}`)).toHaveLength(225);
      expect(cursors(site)).toEqual(before);

      const again = await fill(site, '--since', '6h', '--until', '1h');
      expect(again.containers).toMatchObject([{ lines: 300, already_there: 300, sent: 0 }]);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(site.loki.counts()).toMatchObject({ entries: 350, strictDuplicates: 0 });
      const verified = await site.pollard(['verify', '--since', '6h']);
      expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('nothing is missing')]);
    });
  });

  test('yesterday first, then the day before, both beside a live stream: all is in Loki, twice is nothing', async () => {
    await withSite({ settings: { start: 'end' } }, async (site) => {
      const web = site.engine.addContainer({ name: 'web' });
      const today = now();
      write(web, today - 3n * DAY, today - 2n * DAY, 200, 'before');
      write(web, today - 2n * DAY, today - DAY, 200, 'yesterday');
      const service = await serviceAtEnd(site);
      web.writeLine('stdout', 'live');
      await until('the live line is in Loki', () => site.loki.entries('{container="web"}').length === 1);
      const yesterday = ['--since', iso(today - 2n * DAY), '--until', iso(today - DAY)];
      const before = ['--since', iso(today - 3n * DAY), '--until', iso(today - 2n * DAY)];
      for (const range of [yesterday, before]) {
        const filled = await fill(site, ...range);
        expect([filled.code, filled.containers]).toMatchObject([0, [{ lines: 200, sent: 200 }]]);
      }
      for (const range of [yesterday, before]) {
        const filled = await fill(site, ...range);
        expect([filled.code, filled.containers]).toMatchObject([0, [{ lines: 200, sent: 0 }]]);
      }
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(site.loki.counts()).toMatchObject({ entries: 401, strictDuplicates: 0 });
    });
  });

  test('what Loki refuses for its age is counted by container, and not copied', async () => {
    await withSite({}, async (site) => {
      const web = site.engine.addContainer({ name: 'web' });
      write(web, now() - 10n * DAY, now() - 8n * DAY, 100, 'too old');
      write(web, now() - 5n * DAY, now() - DAY, 100, 'old');
      const filled = await fill(site, '--since', '11d', '--until', '1h');
      expect(filled.code).toBe(6);
      expect(filled.containers).toMatchObject([
        {
          lines: 200,
          sent: 100,
          missing: 0,
          refused: [{ kind: 'too-old', lines: 100, reason: expect.stringMatching(/older than the 7 days/) }],
        },
      ]);
      expect(site.loki.entries('{container="web"}')).toHaveLength(100);
      expect(readdirSync(site.stateDir)).not.toContain('rejected.jsonl');
    });
  });

  test('--into-live: what is too far behind is refused and counted', async () => {
    await withSite({}, async (site) => {
      const web = site.engine.addContainer({ name: 'web' });
      write(web, now() - 5n * HOUR, now() - 4n * HOUR, 100, 'old');
      write(web, now() - 600n * SECOND, now() - 500n * SECOND, 10, 'new');
      await fill(site, '--since', '20m', '--until', '5m');
      const filled = await fill(site, '--since', '6h', '--until', '5m', '--into-live');
      expect(filled.code).toBe(6);
      expect(filled.containers).toMatchObject([
        { lines: 110, already_there: 10, refused: [{ kind: 'too-far-behind', lines: 100 }] },
      ]);
      expect(site.loki.entries('{container="web"}')).toHaveLength(10);
    });
  });

  test('--blind: nothing is asked, and Loki folds what it has', async () => {
    await withSite({}, async (site) => {
      const web = site.engine.addContainer({ name: 'web' });
      write(web, now() - HOUR, now() - 600n * SECOND, 200, 'web');
      const first = await fill(site, '--since', '2h', '--until', '5m');
      expect(first.code).toBe(0);
      const asked = site.loki.requests.filter(({ path }) => path.endsWith('/query_range')).length;
      const blind = await fill(site, '--since', '2h', '--until', '5m', '--blind');
      expect(blind.code).toBe(0);
      expect(blind.containers).toMatchObject([{ lines: 200, sent: 200 }]);
      expect(site.loki.requests.filter(({ path }) => path.endsWith('/query_range'))).toHaveLength(asked);
      expect(site.loki.counts()).toMatchObject({ entries: 200, received: 400 });
    });
  });

  test('--dry-run: reports what would be sent, sends nothing, writes nothing', async () => {
    await withSite({}, async (site) => {
      write(site.engine.addContainer({ name: 'web' }), now() - HOUR, now() - 600n * SECOND, 50, 'web');
      const dry = await fill(site, '--since', '2h', '--until', '5m', '--dry-run');
      expect([dry.code, dry.containers]).toMatchObject([7, [{ lines: 50, missing: 50, sent: 0 }]]);
      expect(pushes(site)).toBe(0);
      const { stdout } = await site.pollard(['backfill', 'list']);
      expect(stdout).toBe('there is no backfill\n');
    });
  });

  test('containers are chosen by name, Compose project and service, and label', async () => {
    await withSite({}, async (site) => {
      const labels = (service: string): Record<string, string> => ({
        'com.docker.compose.project': 'shop',
        'com.docker.compose.service': service,
        tier: service === 'web' ? 'front' : 'back',
      });
      for (const service of ['web', 'db']) {
        const container = site.engine.addContainer({ name: `shop-${service}-1`, labels: labels(service) });
        write(container, now() - HOUR, now() - 600n * SECOND, 10, service);
      }
      write(site.engine.addContainer({ name: 'other' }), now() - HOUR, now() - 600n * SECOND, 10, 'other');
      const chosen = async (...words: string[]): Promise<string[]> =>
        (await fill(site, '--since', '2h', '--until', '5m', '--dry-run', ...words)).containers.map(
          ({ container }) => container,
        );
      expect(await chosen()).toEqual(['other', 'shop-db-1', 'shop-web-1']);
      expect(await chosen('--container', 'shop-*')).toEqual(['shop-db-1', 'shop-web-1']);
      expect(await chosen('--project', 'shop', '--service', 'db')).toEqual(['shop-db-1']);
      expect(await chosen('--label', 'tier=front')).toEqual(['shop-web-1']);
      const { code, stderr } = await site.pollard(['backfill', '--since', '2h', '--project', 'shopp']);
      expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean shop?')]);
    });
  });
});

describe('a backfill that is interrupted', () => {
  test('is killed again and again: then Loki holds exactly the range', async () => {
    await withSite({ settings: { 'loki.batch.max_bytes': '64KiB' } }, async (site) => {
      const end = now() - 600n * SECOND;
      const containers = ['a', 'b', 'c'].map((name) => site.engine.addContainer({ name }));
      for (const container of containers)
        write(container, end - 20n * HOUR, end, 2000, container.name.repeat(100));
      const words = ['backfill', '--since', iso(end - 20n * HOUR), '--until', iso(end), '--rate', '100KiB/s'];
      for (let kills = 0; kills < 6; kills++) {
        const before = site.loki.counts().received;
        const run = site.launch(words);
        // Each run gets a different way, down to none.
        await until(
          'it has sent something',
          () => !run.running || site.loki.counts().received > before + kills * 50,
        );
        await run.kill();
      }
      const { stdout } = await site.pollard(['backfill', 'list']);
      expect(stdout).toContain('interrupted');
      const done = await fill(site, '--since', iso(end - 20n * HOUR), '--until', iso(end));
      expect(done.code).toBe(0);
      for (const { name } of containers) {
        expect(new Set(site.loki.entries(`{container="${name}"}`).map(({ line }) => line)).size).toBe(2000);
      }
      expect(site.loki.counts()).toMatchObject({ entries: 6000, strictDuplicates: 0 });
    });
  });

  test('goes on after the containers that are finished; --restart begins again', async () => {
    await withSite({}, async (site) => {
      const end = now() - 600n * SECOND;
      const [a, b] = ['a', 'b'].map((name) => site.engine.addContainer({ name }));
      if (a === undefined || b === undefined) throw new Error('no container was made');
      write(a, end - HOUR, end, 20, 'a');
      write(b, end - HOUR, end, 20, 'b');
      const words = [
        '--since',
        iso(end - HOUR),
        '--until',
        iso(end),
        '--concurrency',
        '1',
        '--patience',
        '0',
      ];
      const lift = site.engine.fault({ endpoint: 'logs', container: 'a' }, { kind: 'refuse' });
      const stopped = await site.pollard(['backfill', ...words]);
      expect(stopped.code).toBe(3);
      expect(stopped.stdout).toContain('the place is kept');
      lift();
      const asked = (): number =>
        site.engine.requests.of('logs').filter(({ path }) => path.includes(b.id)).length;
      const before = asked();
      const went = await fill(site, ...words);
      expect([went.code, went.containers]).toMatchObject([
        0,
        [
          { container: 'a', sent: 20 },
          { container: 'b', sent: 20 },
        ],
      ]);
      expect(asked()).toBe(before);
      await fill(site, ...words, '--restart');
      expect(asked()).toBeGreaterThan(before);
    });
  });

  test('a progress file that is damaged is kept aside; one of a later version is refused', async () => {
    await withSite({}, async (site) => {
      write(site.engine.addContainer({ name: 'a' }), now() - HOUR, now() - 600n * SECOND, 20, 'a');
      const dir = join(site.stateDir, 'backfill');
      mkdirSync(dir, { recursive: true });
      const words = ['backfill', '--since', '2h', '--until', '5m', '--name', 'mine'];
      writeFileSync(join(dir, 'mine.json'), Buffer.alloc(500));
      const damaged = await site.pollard(words);
      expect(damaged.code).toBe(0);
      expect(damaged.stderr).toContain('is damaged');
      expect(readdirSync(dir)).toContain('mine.json.damaged');
      writeFileSync(join(dir, 'mine.json'), JSON.stringify({ version: 2 }));
      const newer = await site.pollard(words);
      expect([newer.code, newer.stderr]).toEqual([8, expect.stringContaining('--restart')]);
    });
  });

  test('Loki is away for a while: it is waited for', async () => {
    await withSite({ settings: { 'loki.backoff.max_retries': '1' } }, async (site) => {
      write(site.engine.addContainer({ name: 'a' }), now() - HOUR, now() - 600n * SECOND, 20, 'a');
      await site.loki.stopListening();
      const run = site.launch(['backfill', '--since', '2h', '--until', '5m']);
      await until('it waits for Loki', () => run.stderr.includes('next try in'), {
        instead: () => run.stderr,
      });
      await site.loki.listen();
      expect(await run.ended).toEqual({ code: 0, signal: null });
      expect(site.loki.counts()).toMatchObject({ entries: 20, strictDuplicates: 0 });
    });
  });

  test('Loki stays away: it gives up after --patience, and the place is kept', async () => {
    await withSite({ settings: { 'loki.backoff.max_retries': '1' } }, async (site) => {
      write(site.engine.addContainer({ name: 'a' }), now() - HOUR, now() - 600n * SECOND, 20, 'a');
      await site.loki.stopListening();
      const words = ['backfill', '--since', '2h', '--until', '5m', '--name', 'mine'];
      const { code, stdout } = await site.pollard([...words, '--patience', '0']);
      expect([code, stdout]).toEqual([4, expect.stringContaining('the place is kept')]);
      const { stdout: list } = await site.pollard(['backfill', 'list', '--json']);
      expect(JSON.parse(list)).toMatchObject({ runs: [{ name: 'mine', state: 'interrupted', sent: 0 }] });
    });
  });
});

test.each([
  [['--until', '1h'], '--since is required'],
  [['--since', '1h', '--until', '2h'], 'the range is empty'],
  [['--since', '2h', '--name', '../x'], 'is not allowed'],
  [['--since', '2h', '--rate', '5'], 'is no rate'],
  [['--since', '2h', '--blind', '--dry-run'], 'cannot be used with --dry-run'],
  [['--since', '2h', '--label', 'tier'], 'has no value'],
  [['--since', '2h', '--container', 'nobody'], 'is no container'],
])('backfill %j is refused: %s', async (words, problem) => {
  await withSite({}, async (site) => {
    site.engine.addContainer({ name: 'web' });
    const { code, stderr } = await site.pollard(['backfill', ...words]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)]);
  });
});

test('a range without a line says so', async () => {
  await withSite({}, async (site) => {
    site.engine.addContainer({ name: 'web' }).writeLine('stdout', 'now');
    const { code, stdout } = await site.pollard(['backfill', '--since', '3d', '--until', '2d']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Docker has no line from')]);
  });
});

test('a token that may not read: the message names --blind', async () => {
  await withSite({ settings: { 'loki.backoff.max_retries': '1' } }, async (site) => {
    write(site.engine.addContainer({ name: 'a' }), now() - HOUR, now() - 600n * SECOND, 20, 'a');
    site.loki.outage({ status: 403 }, { endpoint: 'read' });
    const { code, stderr } = await site.pollard(['backfill', '--since', '2h', '--until', '5m']);
    expect([code, stderr]).toEqual([4, expect.stringContaining('--blind')]);
  });
});
