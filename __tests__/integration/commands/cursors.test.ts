import { describe, expect, test } from '@jest/globals';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bowingToPermissions, withSite, type Site } from '../../support/commands/site.js';

interface CursorJson {
  readonly container: string;
  readonly id: string;
  readonly delivered: string | null;
  readonly anchor: readonly { readonly timestamp: string; readonly stream: string; readonly hash: string }[];
  readonly open: readonly { readonly stream: string; readonly bytes: number; readonly cut: boolean }[];
}
interface ListJson {
  readonly cursors: readonly CursorJson[];
  readonly unusable: readonly { readonly id: string; readonly code: string; readonly message: string }[];
  readonly kept_aside: number;
}

const BEGINNING = { settings: { start: 'beginning' } };

/** A container that said so many lines. */
function speaking(site: Site, name: string, lines: number): string {
  const container = site.engine.addContainer({ name });
  for (let i = 0; i < lines; i++) container.writeLine('stdout', `${name} ${i}`);
  return container.id;
}

async function collect(site: Site): Promise<void> {
  expect(await site.pollard(['catch-up'])).toMatchObject({ code: 0 });
}

async function list(site: Site): Promise<ListJson> {
  const { code, stdout, stderr } = await site.pollard(['cursors', 'list', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as ListJson;
}

const names = async (site: Site): Promise<string[]> =>
  (await list(site)).cursors.map(({ container }) => container).sort();

const fileOf = (site: Site, id: string): string => join(site.stateDir, 'cursors', `${id}.json`);
const inLoki = (site: Site, name: string): number => site.loki.entries(`{container="${name}"}`).length;

describe('pollard cursors list and show', () => {
  test('where there is none yet: says so, and makes nothing', async () => {
    await withSite({}, async (site) => {
      expect(await list(site)).toEqual({ cursors: [], unusable: [], kept_aside: 0 });
      const { code, stdout } = await site.pollard(['cursors', 'list']);
      expect([code, stdout]).toEqual([0, 'no cursor\n']);
      expect(existsSync(site.stateDir)).toBe(false);
    });
  });

  test('all of them by name, and one with its place; nothing of what the containers wrote', async () => {
    await withSite(BEGINNING, async (site) => {
      const id = speaking(site, 'web', 5);
      speaking(site, 'db', 1);
      speaking(site, 'silent', 0);
      site.engine.find('db')?.writeChunk('stderr', `an open secret ${'x'.repeat(20_000)}`);
      await collect(site);

      const { cursors } = await list(site);
      const web = cursors.find(({ container }) => container === 'web');
      expect(web).toMatchObject({ container: 'web', id, open: [] });
      expect(web?.anchor).toHaveLength(5);
      expect(web?.delivered).toBe(web?.anchor.at(-1)?.timestamp);
      const db = cursors.find(({ container }) => container === 'db');
      expect(db?.open).toMatchObject([{ stream: 'stderr', bytes: 16_384, cut: false }]);

      const text = await site.pollard(['cursors', 'list']);
      expect(text.stdout).toMatch(/^CONTAINER +ID +DELIVERED UP TO +COMMITTED +OPEN LINES\n/);
      expect(text.stdout).toMatch(new RegExp(`^web +${id.slice(0, 12)} `, 'm'));
      expect(text.stdout.indexOf('\ndb ')).toBeLessThan(text.stdout.indexOf('\nweb '));

      for (const called of ['web', id, id.slice(0, 6)]) {
        const shown = await site.pollard(['cursors', 'show', called]);
        expect(shown).toMatchObject({ code: 0, stderr: '' });
        expect(shown.stdout).toContain(fileOf(site, id));
        expect(shown.stdout).toContain(web?.anchor[0]?.hash);
        const json = await site.pollard(['cursors', 'show', called, '--json']);
        expect(JSON.parse(json.stdout)).toEqual(web);
      }
      const open = await site.pollard(['cursors', 'show', 'db']);
      expect(open.stdout).toMatch(/stderr, 16\.0 KiB so far/);
      expect(open.stdout).not.toContain('secret');
    });
  });

  test('one that is not there: says what may have been meant', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'webshop', 1);
      await collect(site);
      const near = await site.pollard(['cursors', 'show', 'webshpo']);
      expect(near).toMatchObject({ code: 2, stdout: '' });
      expect(near.stderr).toMatch(/there is no cursor of "webshpo"\n {2}-> did you mean webshop\?/);
      const far = await site.pollard(['cursors', 'show', 'zzz']);
      expect(far.stderr).toMatch(/pollard cursors list/);
    });
  });

  test('a name that two containers had: asks for the id', async () => {
    await withSite(BEGINNING, async (site) => {
      const first = speaking(site, 'web', 1);
      await collect(site);
      site.engine.find('web')?.kill();
      site.engine.find('web')?.remove();
      const second = speaking(site, 'web', 2);
      await collect(site);
      const both = await site.pollard(['cursors', 'show', 'web']);
      expect(both).toMatchObject({ code: 2, stdout: '' });
      expect(both.stderr).toContain(first.slice(0, 12));
      expect(both.stderr).toContain(second.slice(0, 12));
      expect(both.stderr).toMatch(/-> give more of the id/);
      expect((await site.pollard(['cursors', 'show', second.slice(0, 12)])).code).toBe(0);
    });
  });

  test('beside a running service, which is not disturbed', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 3);
      const service = await site.run();
      await site.untilStored(3);
      await service.readsAll();
      expect(await names(site)).toEqual(['web']);
      expect((await site.pollard(['cursors', 'show', 'web'])).code).toBe(0);
      expect(service.running).toBe(true);
      expect(await service.stop()).toMatchObject({ code: 0 });
    });
  });

  test('damaged ones and later formats are named, and stay as they are', async () => {
    await withSite(BEGINNING, async (site) => {
      const [web, db] = [speaking(site, 'web', 1), speaking(site, 'db', 1)];
      speaking(site, 'good', 1);
      await collect(site);
      writeFileSync(fileOf(site, web), Buffer.alloc(500));
      writeFileSync(fileOf(site, db), '{"version":99,"sha256":"","cursor":{}}\n');
      const seen = await list(site);
      expect(seen.cursors.map(({ container }) => container)).toEqual(['good']);
      expect(new Map(seen.unusable.map(({ id, code }) => [id, code]))).toEqual(
        new Map([
          [web, 'cursor_corrupt'],
          [db, 'cursor_too_new'],
        ]),
      );
      const { code, stdout } = await site.pollard(['cursors', 'list']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`! the cursor of ${web.slice(0, 12)} cannot be used`));
      expect(readFileSync(fileOf(site, web))).toEqual(Buffer.alloc(500));
    });
  });

  test('of somebody else: says as whom to ask', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 1);
      await collect(site);
      chmodSync(join(site.stateDir, 'cursors'), 0o000);
      const program = site.launch(['cursors', 'list'], {}, { before: bowingToPermissions() });
      expect(await program.ended).toMatchObject({ code: 8 });
      expect(program.stdout).toBe('');
      expect(program.stderr).toMatch(/EACCES.*\n {2}-> run this as the user that owns collector\.state_dir/);
      chmodSync(join(site.stateDir, 'cursors'), 0o700);
    });
  });
});

describe('pollard cursors forget', () => {
  test('the start policy applies again; the others stay', async () => {
    await withSite(BEGINNING, async (site) => {
      const id = speaking(site, 'web', 4);
      speaking(site, 'db', 4);
      await collect(site);
      const before = site.loki.counts().received;
      const { code, stdout, stderr } = await site.pollard(['cursors', 'forget', 'web']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(
        /^web \([0-9a-f]{12}\): forgotten; its log is begun anew \(start: beginning\)\n$/,
      );
      expect(await names(site)).toEqual(['db']);
      expect(existsSync(fileOf(site, id))).toBe(false);
      await collect(site);
      // All of it was read again, and Loki was asked: it has all of it.
      expect(site.loki.counts()).toMatchObject({ received: before, strictDuplicates: 0 });
      expect(inLoki(site, 'web')).toBe(4);
    });
  });

  test('several, by name and by id, twice the same', async () => {
    await withSite(BEGINNING, async (site) => {
      const id = speaking(site, 'web', 1);
      speaking(site, 'db', 1);
      speaking(site, 'cache', 1);
      await collect(site);
      const { code, stdout } = await site.pollard(['cursors', 'forget', 'db', id.slice(0, 10), 'web']);
      expect([code, stdout.trim().split('\n')]).toEqual([0, [expect.any(String), expect.any(String)]]);
      expect(await names(site)).toEqual(['cache']);
    });
  });

  test('all or none: one that is not there keeps all of them', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 1);
      await collect(site);
      const { code, stderr } = await site.pollard(['cursors', 'forget', 'web', 'nobody']);
      expect(code).toBe(2);
      expect(stderr).toMatch(/there is no cursor of "nobody"/);
      expect(await names(site)).toEqual(['web']);
    });
  });

  test('a name that was mistyped makes no state directory', async () => {
    await withSite({}, async (site) => {
      expect((await site.pollard(['cursors', 'forget', 'web'])).code).toBe(2);
      expect(existsSync(site.stateDir)).toBe(false);
    });
  });
});

describe('pollard cursors reset', () => {
  test('to the beginning: all is read again, and what Loki has not is sent', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 6);
      await collect(site);
      const { received } = site.loki.counts();
      const reset = await site.pollard(['cursors', 'reset', 'web', '--to', 'beginning']);
      expect(reset).toMatchObject({ code: 0, stderr: '' });
      expect(reset.stdout).toMatch(/the next poll begins at the beginning of its log/);
      const { cursors } = await list(site);
      expect(cursors).toMatchObject([{ container: 'web', delivered: null, anchor: [] }]);
      expect(site.loki.lose(2)).toBe(2);
      await collect(site);
      expect(site.loki.counts()).toMatchObject({ received: received + 2, strictDuplicates: 2 });
      expect(inLoki(site, 'web')).toBe(6);
    });
  });

  test('to the beginning, of one without a cursor: the Engine knows it', async () => {
    await withSite({ settings: { start: 'end' } }, async (site) => {
      speaking(site, 'web', 6);
      expect((await site.pollard(['cursors', 'reset', 'web', '--to', 'beginning'])).code).toBe(0);
      await collect(site);
      expect(inLoki(site, 'web')).toBe(6);
    });
  });

  test('to the end: what was there is passed over, what comes is not', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 6);
      const reset = await site.pollard(['cursors', 'reset', 'web', '--to', 'end']);
      expect(reset).toMatchObject({ code: 0, stderr: '' });
      expect(reset.stdout).toMatch(/the next poll begins behind what its log holds now/);
      site.engine.find('web')?.writeLine('stdout', 'new');
      await collect(site);
      expect(site.loki.entries().map(({ line }) => line)).toEqual(['new']);
    });
  });

  test('to the end without an Engine: says so, and changes nothing', async () => {
    await withSite(BEGINNING, async (site) => {
      const id = speaking(site, 'web', 2);
      await collect(site);
      const before = readFileSync(fileOf(site, id));
      await site.engine.stopDaemon();
      const { code, stderr } = await site.pollard(['cursors', 'reset', 'web', '--to', 'end']);
      expect(code).toBe(3);
      expect(stderr).toMatch(/has no socket there.*\n {2}-> start the Engine/);
      expect(readFileSync(fileOf(site, id))).toEqual(before);
      // To the beginning of one that has a cursor nobody is asked.
      expect((await site.pollard(['cursors', 'reset', 'web', '--to', 'beginning'])).code).toBe(0);
    });
  });

  test('of a log that cannot be read: says so, and changes nothing', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 2);
      site.engine.fault({ endpoint: 'logs' }, { kind: 'status', status: 501 });
      const { code, stdout, stderr } = await site.pollard(['cursors', 'reset', 'web', '--to', 'end']);
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(/logging driver/);
      expect(await names(site)).toEqual([]);
    });
  });

  test.each([
    [['web'], /--to/],
    [['web', '--to', 'yesterday'], /--to.*(beginning|end)/],
    [['nobody', '--to', 'end'], /there is no container of "nobody"/],
  ])('%j cannot be', async (words, says) => {
    await withSite({}, async (site) => {
      speaking(site, 'web', 1);
      const { code, stdout, stderr } = await site.pollard(['cursors', 'reset', ...words]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(/ {2}-> /);
    });
  });

  test('a signal while the Engine hangs: ended, not broken', async () => {
    await withSite(BEGINNING, async (site) => {
      speaking(site, 'web', 2);
      site.engine.fault({ endpoint: 'list' }, { kind: 'hang_before_header' });
      const program = site.launch(['cursors', 'reset', 'web', '--to', 'end']);
      await site.untilStruck();
      program.signal('SIGINT');
      expect(await program.ended).toEqual({ code: 130, signal: null });
      expect(program.stderr).toBe('pollard: the reset was interrupted by a signal\n');
      expect(existsSync(site.stateDir)).toBe(false);
    });
  });
});

test('under a running service nothing is changed, and it says who that is', async () => {
  await withSite(BEGINNING, async (site) => {
    const id = speaking(site, 'web', 3);
    const service = await site.run();
    await site.untilStored(3);
    await service.readsAll();
    const before = readFileSync(fileOf(site, id));
    for (const words of [
      ['forget', 'web'],
      ['reset', 'web', '--to', 'beginning'],
      ['reset', 'web', '--to', 'end'],
    ]) {
      const { code, stdout, stderr } = await site.pollard(['cursors', ...words]);
      expect([code, stdout]).toEqual([5, '']);
      expect(stderr).toContain(`process ${service.pid}`);
      expect(stderr).toContain('pollard run');
      expect(stderr).toMatch(/-> .*stop it first/);
    }
    expect(readFileSync(fileOf(site, id))).toEqual(before);
    expect(readdirSync(join(site.stateDir, 'cursors'))).toEqual([`${id}.json`]);
    expect(await service.stop()).toMatchObject({ code: 0 });
  });
});
