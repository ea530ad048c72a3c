import { describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pollard } from '../../support/commands/pollard.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { freePort } from '../../support/free-port.js';
import { jsonFormFaults } from '../../support/json-form.js';
import { until } from '../../support/until.js';

const STAMP = '2026-11-28T10:00:00.000000001Z';

describe('the form of JSON', () => {
  test.each([
    { a: 1, b_2: { since: STAMP, until: null }, labels: { 'some.Label': '2026' } },
    [{ text: '2026-01-31 12:00', reason: 'since 2026-01-31' }],
    { free_bytes: 123_456_789_012, id: 'c0ffee000000', pid: 4_194_304 },
  ])('%j is good', (value) => {
    expect(jsonFormFaults(value)).toEqual([]);
  });

  test.each([
    [{ apiVersion: 1 }, '$.apiVersion: the key is not snake_case'],
    [{ a: [{ 'b-c': 1 }] }, '$.a[0].b-c: the key is not snake_case'],
    [{ since: '1764324000000000000' }, '$.since: "1764324000000000000" is no time'],
    [{ since: '2026-11-28T10:00:00Z' }, '$.since: "2026-11-28T10:00:00Z" is no time'],
    [{ seen: '1764324000000000000' }, '$.seen: "1764324000000000000" is a time in another form'],
    [{ seen: '2026-11-28 10:00' }, '$.seen: "2026-11-28 10:00" is a time in another form'],
    [{ timestamp: 12 }, '$.timestamp: 12 is no time'],
  ])('%j is not', (value, fault) => {
    expect(jsonFormFaults(value)).toEqual([fault]);
  });

  test('a time of now as a number is not', () => {
    for (const unit of [1, 1e3]) expect(jsonFormFaults({ seen: (Date.now() / 1000) * unit })).toHaveLength(1);
  });
});

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

/** The rows of the README's table: each output with the keys of its document. */
function documented(): Map<string, string[]> {
  const table = /^### JSON\n[\s\S]*?\n(\| output[\s\S]*?)\n\n/m.exec(readme)![1]!;
  const rows = table.split('\n').slice(2);
  return new Map(
    rows.map((row) => {
      const [output, keys] = row.split('|').slice(1, 3) as [string, string];
      const words = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
      return [words(output)[0]!, words(keys)];
    }),
  );
}

/** All outputs that are held to the form below. */
const OUTPUTS = [
  'catch-up',
  'verify',
  'resend',
  'backfill',
  'backfill list',
  'check',
  'cursors list',
  'cursors show',
  'status',
  '/status',
  '/healthz',
  '/readyz',
] as const;

/** Holds one document to the form, and to the README. */
function hold(output: (typeof OUTPUTS)[number], text: string): unknown {
  const document = JSON.parse(text) as object;
  expect({ output, faults: jsonFormFaults(document) }).toEqual({ output, faults: [] });
  expect({ output, keys: Object.keys(document).sort() }).toEqual({
    output,
    keys: documented().get(output)?.toSorted(),
  });
  return document;
}

const DAY_NS = 86_400n * 1_000_000_000n;
const LIMITS = { maxLineBytes: 1000 };
const SETTINGS = { start: 'beginning' };

/** Containers of which each command has something to report. */
function furnish(site: Site): void {
  const now = BigInt(Date.now()) * 1_000_000n;
  const web = site.engine.addContainer({ name: 'web' });
  for (let i = 0; i < 20; i++) web.writeLine('stdout', `line ${i}`);
  web.writeLine('stderr', 'x'.repeat(2000));
  web.writeChunk('stderr', 'y'.repeat(20_000));
  const old = site.engine.addContainer({ name: 'old' });
  for (let i = 0n; i < 5n; i++) old.writeLine('stdout', `old ${i}`, now - 30n * DAY_NS + i);
  site.engine.addContainer({ name: 'silent', driver: 'none' });
}

const json = async (site: Site, ...words: string[]): Promise<string> => {
  const { stdout } = await site.pollard([...words, '--json']);
  return stdout;
};

describe('each JSON document has the form that the README promises', () => {
  test('of the commands that collect and audit, with something to report', async () => {
    await withSite({ settings: SETTINGS, loki: { limits: LIMITS } }, async (site) => {
      furnish(site);
      expect(hold('check', await json(site, 'check'))).toMatchObject({
        containers: expect.arrayContaining([expect.objectContaining({ too_old: expect.any(Object) })]),
      });
      expect(hold('catch-up', await json(site, 'catch-up'))).toMatchObject({ no_log: ['silent'] });
      expect(hold('cursors list', await json(site, 'cursors', 'list'))).toMatchObject({
        cursors: expect.arrayContaining([
          expect.objectContaining({
            open: [expect.any(Object)],
            anchor: expect.arrayContaining([expect.any(Object)]),
          }),
        ]),
      });
      hold('cursors show', await json(site, 'cursors', 'show', 'web'));
      expect(site.loki.lose(2, '{container="web", stream="stdout"}')).toBe(2);
      expect(hold('verify', await json(site, 'verify', '--since', '60d'))).toMatchObject({
        totals: { missing: 2 },
        containers: expect.arrayContaining([expect.objectContaining({ refusals: [expect.any(Object)] })]),
      });
      expect(
        hold('backfill', await json(site, 'backfill', '--since', '60d', '--patience', '0')),
      ).toMatchObject({
        containers: expect.arrayContaining([
          expect.objectContaining({ refused: expect.arrayContaining([expect.any(Object)]) }),
        ]),
      });
      expect(hold('backfill list', await json(site, 'backfill', 'list'))).toMatchObject({
        runs: [{ state: 'finished' }],
      });
      const file = join(site.stateDir, 'rejected.jsonl');
      expect(hold('resend', await json(site, 'resend', file))).toMatchObject({
        kinds: [{ kind: 'line-too-long', lines: expect.any(Number) }],
        not_kept: [{ kind: 'too-old', lines: 5 }],
      });
      // The check reads the summary of what was not kept, and a cursor that is damaged.
      writeFileSync(join(site.stateDir, 'cursors', `${'c'.repeat(64)}.json`), '{');
      hold('cursors list', await json(site, 'cursors', 'list'));
      hold('check', await json(site, 'check'));
    });
  });

  test('of the commands that fail', async () => {
    await withSite({ settings: SETTINGS }, async (site) => {
      furnish(site);
      site.engine.fault({ endpoint: 'logs', container: 'web' }, { kind: 'reset', afterPieces: 0 });
      expect(hold('catch-up', await json(site, 'catch-up'))).toMatchObject({
        failed: [{ container: 'web', hint: expect.any(String) }],
      });
      expect(hold('check', await json(site, 'check'))).toMatchObject({
        containers: expect.arrayContaining([
          expect.objectContaining({ name: 'web', error: expect.any(Object) }),
        ]),
      });
      expect(hold('verify', await json(site, 'verify'))).toMatchObject({
        containers: expect.arrayContaining([
          expect.objectContaining({ container: 'web', reason: expect.any(String) }),
        ]),
      });
      const { stdout } = await site.pollard(['check', '--json'], { 'docker.host': 'unix:///nowhere.sock' });
      expect(hold('check', stdout)).toMatchObject({ exit_code: 3 });
      const refused = await site.pollard(['check', '--json'], { 'poll.interval': 'x' });
      expect(hold('check', refused.stdout)).toMatchObject({ exit_code: 2 });
    });
  });

  test('of the service and of the command that asks it', async () => {
    await withSite({ settings: SETTINGS, loki: { limits: LIMITS } }, async (site) => {
      furnish(site);
      const settings = { 'status.listen': `127.0.0.1:${await freePort()}`, 'resources.interval': '1s' };
      const service = await site.run(settings);
      const page = async (path: string): Promise<string> =>
        await (await fetch(`http://${settings['status.listen']}${path}`)).text();
      const brief = site.engine.addContainer({ name: 'brief' });
      brief.writeLine('stdout', 'nobody hears it');
      brief.die(0);
      brief.remove();
      await until('resources were sampled and a container was missed', async () => {
        const { resources, missed } = JSON.parse(await page('/status')) as {
          resources: object | null;
          missed: object[];
        };
        return resources !== null && missed.length === 1;
      });
      expect(hold('/status', await page('/status'))).toMatchObject({
        engine: { api_version: expect.any(String), engine_version: expect.any(String) },
        totals: { possible_gaps: 0 },
        loki: { kind: 'ok', setting: null },
      });
      hold('/healthz', await page('/healthz'));
      hold('/readyz', await page('/readyz'));
      expect(hold('status', (await site.pollard(['status', '--json'], settings)).stdout)).toEqual(
        expect.any(Object),
      );
      const check = await site.pollard(['check', '--json'], settings);
      expect(hold('check', check.stdout)).toMatchObject({
        parts: expect.arrayContaining([
          expect.objectContaining({ part: 'state', facts: expect.objectContaining({ locked: true }) }),
        ]),
      });
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    });
  });

  test('and there is no other', async () => {
    const withJson: string[] = [];
    for (const command of await commands([])) {
      if (/^ +--json\b/m.test(await helpOf(command))) withJson.push(command.join(' '));
    }
    expect([...withJson, '/healthz', '/readyz', '/status'].sort()).toEqual([...OUTPUTS].sort());
    expect([...documented().keys()]).toEqual(OUTPUTS);
  });
});

async function helpOf(command: readonly string[]): Promise<string> {
  return (await pollard([...command, '--help'])).stdout;
}

/** The commands below one, those below them included. */
async function commands(above: readonly string[]): Promise<string[][]> {
  const list = /^Commands:\n((?: .*\n)+)/m.exec(await helpOf(above))?.[1] ?? '';
  const names = [...list.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1]!);
  const found: string[][] = [];
  for (const name of names.filter((each) => each !== 'help')) {
    found.push([...above, name], ...(await commands([...above, name])));
  }
  return found;
}
