import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, type TestCertificates } from '../../support/certificates.js';
import { OLD_ENGINE, withBadServer, type BadAnswer } from '../../support/commands/bad-server.js';
import type { SettingTexts } from '../../support/collector/index.js';
import { bowingToPermissions, withSite, type Site } from '../../support/commands/site.js';

interface CheckJson {
  readonly parts: readonly {
    readonly part: string;
    readonly state: string;
    readonly error: { readonly setting: string | null; readonly hint: string | null } | null;
  }[];
}

/** A command that ended. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Refused {
  readonly code: number;
  readonly setting: string;
  /** A part of the message. */
  readonly says: RegExp;
  /** A part of what to do next. */
  readonly next: RegExp;
}

let folder: string;
let made: TestCertificates;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollard-bad-'));
  made = makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One message for people: what is wrong, and below it what to do next; the setting is named. */
function expectRefused(
  { code, stdout, stderr }: Ended,
  { code: wanted, setting, says, next }: Refused,
): void {
  const text = stderr
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'))
    .join('\n');
  expect({ code, stdout, text }).toEqual({
    code: wanted,
    stdout: '',
    text: expect.stringMatching(/^pollard: .*\n(?: {2}\S.*\n)* {2}-> \S.*$/),
  });
  expect(text).toMatch(says);
  expect(text).toMatch(next);
  expect(text).toContain(setting);
  expect(text).not.toMatch(/please report it|\n\s+at /);
}

/** `pollard check` shows a cross for one part, with the same setting. */
function expectCross({ code, stdout, stderr }: Ended, part: string, refused: Refused): void {
  expect(stderr).toBe('');
  const { parts } = JSON.parse(stdout) as CheckJson;
  const failed = parts.filter(({ state }) => state === 'failed');
  expect({ code, failed: failed.map((each) => each.part) }).toEqual({ code: refused.code, failed: [part] });
  expect(failed[0]?.error?.setting).toMatch(new RegExp(`^${refused.setting}`));
  expect(failed[0]?.error?.hint).toMatch(refused.next);
  expect(JSON.stringify(failed[0])).toMatch(refused.says);
}

type Ends = (site: Site, words: readonly string[], settings: SettingTexts) => Promise<Ended>;

const here: Ends = async (site, words, settings) => await site.pollard(words, settings);

/** In a process of its own, to which permissions mean something. */
const bowing: Ends = async (site, words, settings) => {
  const program = site.launch(words, settings, { before: bowingToPermissions() });
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
};

/** All three end at once with the same code; the check shows it as a cross. */
async function expectHopeless(
  site: Site,
  settings: SettingTexts,
  part: string,
  refused: Refused,
  ended = here,
): Promise<void> {
  expectRefused(await ended(site, ['run'], settings), refused);
  expectRefused(await ended(site, ['catch-up'], settings), refused);
  expectCross(await ended(site, ['check', '--json'], settings), part, refused);
}

describe('the Engine', () => {
  test('no permission: exits at start', async () => {
    await withSite({}, async (site) => {
      chmodSync(site.engine.socketPath, 0o000);
      const says = /refuses us its socket: connect EACCES/;
      const refused = { code: 3, setting: 'docker.host', says, next: /group docker/ };
      await expectHopeless(site, {}, 'engine', refused, bowing);
    });
  });

  test('too old: exits at start', async () => {
    await withSite({}, async (site) => {
      await withBadServer({ ...OLD_ENGINE, socketPath: site.path('old.sock') }, async (url) => {
        await expectHopeless(site, { 'docker.host': url }, 'engine', {
          code: 3,
          setting: 'docker.host',
          says: /speaks the API only up to 1\.20 \(Engine 1\.8\.3\)/,
          next: /upgrade the Engine to 20\.10 or later/,
        });
      });
    });
  });

  const certificates: readonly [string, () => BadAnswer, RegExp, RegExp][] = [
    ['has expired', () => ({ status: 200, tls: made.expired }), /has expired/, /renew the certificate/],
    ['nobody vouches for', () => ({ status: 200, tls: made.stranger }), /is not trusted/, /docker\.tls\.ca/],
  ];
  test.each(certificates)('a certificate that %s: exits at start', async (_, answer, says, next) => {
    await withSite({}, async (site) => {
      await withBadServer(answer(), async (url) => {
        const settings = { 'docker.host': url, 'docker.tls.ca_file': made.authority.certFile };
        await expectHopeless(site, settings, 'engine', { code: 3, setting: 'docker', says, next });
      });
    });
  });

  test('an address that cannot be: exits at start', async () => {
    await withSite({}, async (site) => {
      await expectHopeless(site, { 'docker.host': '/var/run/docker.sock' }, 'configuration', {
        code: 2,
        setting: 'docker.host',
        says: /docker\.host/,
        next: /pollard config/,
      });
    });
  });

  test('certificates that cannot be read: exits at start', async () => {
    await withSite({}, async (site) => {
      const settings = { 'docker.host': 'tcp://127.0.0.1:1', 'docker.tls.ca_file': site.path('none.pem') };
      const refused = { code: 2, setting: 'docker.tls.ca_file', says: /none\.pem/, next: /check/ };
      await expectHopeless(site, settings, 'engine', refused);
    });
  });
});

describe('Loki', () => {
  test.each([
    ['no URL', 'loki:3100', /is not a URL/],
    ['a URL with a password', 'http://user:canary-77@loki:3100', /loki\.url/],
    ['the path of something else', 'http://loki:3100/otlp/v1/logs', /loki\.url/],
  ])('%s: exits at start', async (_, url, says) => {
    await withSite({}, async (site) => {
      const settings = { 'loki.url': url };
      const all = [
        await here(site, ['run'], settings),
        await here(site, ['catch-up'], settings),
        await here(site, ['check', '--json'], settings),
      ];
      for (const each of all.slice(0, 2))
        expectRefused(each, { code: 2, setting: 'loki.url', says, next: /->/ });
      expect(all[2]?.code).toBe(2);
      for (const { stdout, stderr } of all) expect(stdout + stderr).not.toContain('canary-77');
    });
  });

  test.each([
    ['loki.bearer_token_file', {}],
    ['loki.basic_auth.password_file', { 'loki.basic_auth.username': 'u' }],
    ['loki.tls.ca_file', {}],
  ])('a file of %s that is not there: exits at start', async (setting, more) => {
    await withSite({}, async (site) => {
      const settings = { ...more, [setting]: site.path('none') };
      await expectHopeless(site, settings, 'loki', {
        code: 2,
        setting,
        says: /none/,
        next: /check the path/,
      });
    });
  });
});

describe('the state directory', () => {
  test('of somebody else: exits at start', async () => {
    await withSite({}, async (site) => {
      mkdirSync(site.path('theirs'), { mode: 0o500 });
      const settings = { 'collector.state_dir': site.path('theirs', 'state') };
      const next = /owned by the user that Pollard runs as/;
      const refused = { code: 8, setting: 'collector.state_dir', says: /EACCES/, next };
      await expectHopeless(site, settings, 'state', refused, bowing);
    });
  });

  test('that we may not even look into: exits at start', async () => {
    await withSite({}, async (site) => {
      mkdirSync(site.stateDir, { mode: 0o000 });
      const next = /collector\.state_dir/;
      const refused = { code: 8, setting: 'collector.state_dir', says: /EACCES/, next };
      await expectHopeless(site, {}, 'state', refused, bowing);
    });
  });

  test('that is a file: exits at start', async () => {
    await withSite({}, async (site) => {
      writeFileSync(site.path('file'), '');
      await expectHopeless(site, { 'collector.state_dir': site.path('file') }, 'state', {
        code: 8,
        setting: 'collector.state_dir',
        says: /ENOTDIR|EEXIST|not a directory/,
        next: /directory/,
      });
    });
  });

  test('a rejected-lines file that cannot be: exits at start', async () => {
    await withSite({}, async (site) => {
      mkdirSync(site.path('rejected'));
      await expectHopeless(site, { 'rejected.file': site.path('rejected') }, 'state', {
        code: 8,
        setting: 'rejected.file',
        says: /EISDIR|directory/,
        next: /check the path and its permissions/,
      });
    });
  });
});

describe('the status page', () => {
  test('an address that somebody else has: exits at start', async () => {
    await withSite({}, async (site) => {
      await withBadServer({ status: 200 }, async (url) => {
        const settings = { 'status.listen': new URL(url).host };
        const refused = { code: 2, setting: 'status.listen', says: /in use/, next: /\S/ };
        expectRefused(await here(site, ['run'], settings), refused);
        expectCross(await here(site, ['check', '--json'], settings), 'status', refused);
      });
    });
  });

  test.each(['status.token_file', 'status.tls.cert_file', 'status.tls.key_file'])(
    'a file of %s that is not there: exits at start',
    async (setting) => {
      await withSite({}, async (site) => {
        const tls = setting.startsWith('status.tls')
          ? { 'status.tls.cert_file': made.server.certFile, 'status.tls.key_file': made.server.keyFile }
          : {};
        const settings = { ...tls, [setting]: site.path('none') };
        const refused = { code: 2, setting, says: /none/, next: /check the path/ };
        expectRefused(await here(site, ['run'], settings), refused);
        expectCross(await here(site, ['check', '--json'], settings), 'status', refused);
      });
    },
  );
});

describe('the configuration', () => {
  const files: readonly [string, (path: string) => void, RegExp, Ends?][] = [
    ['that is not there', () => undefined, /is not there/],
    [
      'that is not ours to read',
      (path) => {
        writeFileSync(path, 'loki: {}\n');
        chmodSync(path, 0o000);
      },
      /cannot be read: EACCES/,
      bowing,
    ],
    ['that is a directory', (path) => mkdirSync(path), /is a directory/],
    ['that is no text', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00])), /is not UTF-8 text/],
    ['that is no YAML', (path) => writeFileSync(path, 'loki: [unclosed\n'), /not YAML/],
    ['that has another shape', (path) => writeFileSync(path, 'loki: 7\n'), /loki: must hold settings/],
    ['with a key that nobody knows', (path) => writeFileSync(path, 'loki:\n  ulr: x\n'), /loki\.ulr.*url/],
  ];

  test.each(files)('a file %s: each command says so and exits', async (_, make, says, ended = here) => {
    await withSite({}, async (site) => {
      const path = site.path('pollard.yaml');
      make(path);
      for (const words of [
        ['run'],
        ['catch-up'],
        ['cursors', 'list'],
        ['status'],
        ['config', '--effective'],
      ]) {
        const refused = { code: 2, setting: path, says, next: /pollard config/ };
        expectRefused(await ended(site, [...words, '--config', path], {}), refused);
      }
      const check = await ended(site, ['check', '--json', '--config', path], {});
      expect(check.code).toBe(2);
      expect(check.stdout).toMatch(says);
    });
  });

  test('all problems at once, those of file, environment and flags', async () => {
    await withSite({}, async (site) => {
      const path = site.path('pollard.yaml');
      writeFileSync(path, 'poll:\n  interval: soon\nstart: yesterday\n');
      const program = site.launch(
        ['run', '--config', path],
        { 'poll.interval': undefined, 'poll.concurrency': '5000' },
        { env: { POLLARD_LOG_LEVEL: 'loud' } },
      );
      expect(await program.ended).toMatchObject({ code: 2 });
      for (const setting of ['poll.interval', 'start', 'poll.concurrency', 'log.level']) {
        expect(program.stderr).toContain(setting);
      }
      expect(program.stderr).toMatch(/has 4 problems/);
    });
  });
});
