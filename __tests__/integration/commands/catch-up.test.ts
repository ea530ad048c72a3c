import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/model/system-clock.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { until } from '../../support/until.js';

interface Summary {
  readonly containers: number;
  readonly lines: number;
  readonly rejected: number;
  readonly gaps: number;
  readonly unreadable: readonly string[];
  readonly failed: readonly { readonly container: string; readonly reason: string; readonly code: string }[];
}

const BEGINNING = { start: 'beginning' };

function speaking(site: Site, name: string, lines: number): void {
  const container = site.engine.addContainer({ name });
  for (let i = 0; i < lines; i++) container.writeLine('stdout', `${name} ${i}`);
}

const summaryOf = (stdout: string): Summary => JSON.parse(stdout) as Summary;

/** Whatever came before: all of it is there now, once. */
async function expectWhole(site: Site, entries: number): Promise<void> {
  const { code, stdout } = await site.pollard(['catch-up', '--json'], BEGINNING);
  expect([code, summaryOf(stdout).failed]).toEqual([0, []]);
  expect(site.loki.entries()).toHaveLength(entries);
}

describe('pollard catch-up', () => {
  test('the second run pushes nothing; the summary is for people, or JSON', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 30);
      speaking(site, 'db', 12);
      const text = await site.pollard(['catch-up']);
      expect(text.code).toBe(0);
      expect(text.stdout).toMatch(
        /^containers {10}2\nlines {15}42\nbytes .*\nduplicates dropped {2}0\ngaps {16}0\nrejected {12}0\nseconds /,
      );
      const { received } = site.loki.counts();
      const again = await site.pollard(['catch-up', '--json']);
      expect(summaryOf(again.stdout)).toMatchObject({ containers: 2, lines: 0, failed: [] });
      expect(site.loki.counts().received).toBe(received);
    });
  });

  test('a container that has ended: one look at its last entry, and what came after it is delivered', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'job', 20);
      const job = site.engine.find('job');
      job?.die(0);
      expect(summaryOf((await site.pollard(['catch-up', '--json'])).stdout)).toMatchObject({ lines: 20 });
      site.engine.requests.clear();
      expect(summaryOf((await site.pollard(['catch-up', '--json'])).stdout)).toMatchObject({ lines: 0 });
      expect(site.engine.requests.of('logs').map(({ query }) => query['tail'])).toEqual(['1']);

      for (let i = 0; i < 20; i++) job?.log.writeLine('stdout', `late ${i}`, systemClock.now() + BigInt(i));
      expect(summaryOf((await site.pollard(['catch-up', '--json'])).stdout)).toMatchObject({ lines: 20 });
      expect(site.loki.entries()).toHaveLength(40);
      await expectWhole(site, 40);
    });
  });

  test('the logs of all containers are refused: each is asked for once, and the hint is given once', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      for (const name of ['web', 'db', 'job']) speaking(site, name, 1);
      const lift = site.engine.fault(
        { endpoint: 'logs' },
        { kind: 'status', status: 403, message: 'Forbidden' },
      );
      const { code, stdout } = await site.pollard(['catch-up']);
      expect(code).toBe(6);
      expect(site.engine.requests.count('logs')).toBe(3);
      expect(stdout.match(/^failed .*answered 403: Forbidden/gm)).toHaveLength(3);
      expect(stdout.match(/ALLOW_LOGS=1/g)).toHaveLength(1);
      lift();
      await expectWhole(site, 3);
    });
  });

  test('one container that cannot be read: the rest is delivered, and the code says so', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 30);
      speaking(site, 'broken', 30);
      const id = site.engine.find('broken')?.id ?? '';
      site.engine.fault({ endpoint: 'logs', container: id }, { kind: 'status', status: 500 });
      const { code, stdout } = await site.pollard(['catch-up']);
      expect(code).toBe(6);
      expect(stdout).toMatch(
        /^failed {14}broken: .*answered 500.*\n {20}-> look into the log of the Engine/m,
      );
      expect(site.loki.entries('{container="web"}')).toHaveLength(30);
      site.engine.clearFaults();
      await expectWhole(site, 60);
    });
  });

  test('a container with an id of another form: the rest is delivered, and it is named by each command', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 30);
      site.engine.addContainer({ name: 'foreign', id: 'ctr-of-another-runtime' });
      const { code, stdout } = await site.pollard(['catch-up', '--json']);
      expect(code).toBe(6);
      expect(summaryOf(stdout)).toMatchObject({ containers: 1, lines: 30 });
      expect(summaryOf(stdout).failed).toMatchObject([
        { container: 'ctr-of-another-runtime', reason: expect.stringContaining('cannot be understood') },
      ]);
      const verified = await site.pollard(['verify']);
      expect(verified.code).toBe(6);
      expect(verified.stdout).toContain('cannot be understood');
      expect(verified.stdout).toContain('ctr-of-another-runtime');
      expect((await site.pollard(['verify', '--container', 'web'])).code).toBe(0);
      const checked = await site.pollard(['check']);
      expect(checked.code).toBe(0);
      expect(checked.stdout).toContain('ctr-of-another-runtime');
    });
  });

  test('a driver that cannot be read is no failure', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 3);
      speaking(site, 'elsewhere', 3);
      const id = site.engine.find('elsewhere')?.id ?? '';
      site.engine.fault({ endpoint: 'logs', container: id }, { kind: 'status', status: 501 });
      const { code, stdout } = await site.pollard(['catch-up', '--json']);
      expect([code, summaryOf(stdout)]).toMatchObject([
        0,
        { unreadable: ['elsewhere'], failed: [], lines: 3 },
      ]);
    });
  });

  test('a Loki that takes nothing is tried with one container, and not once more with each', async () => {
    const settings = { ...BEGINNING, 'loki.backoff.max_retries': '3', 'poll.concurrency': '1' };
    await withSite({ settings }, async (site) => {
      for (const name of ['a', 'b', 'c']) speaking(site, name, 5);
      const lift = site.loki.outage({ status: 503 });
      const { code, stdout } = await site.pollard(['catch-up', '--json']);
      expect(code).toBe(4);
      const { failed } = summaryOf(stdout);
      expect(failed.map((each) => each.code)).toEqual(['push_failed', 'push_failed', 'push_failed']);
      expect(failed.filter(({ reason }) => /in 4 tries/.test(reason))).toHaveLength(1);
      expect(failed.filter(({ reason }) => /^not tried: /.test(reason))).toHaveLength(2);
      expect(site.loki.counts().pushStatuses).toEqual({ 503: 4 });
      lift();
      await expectWhole(site, 15);
    });
  });

  test.each([
    ['answers 503', { status: 503 }],
    ['hangs', 'hang-after-accept'],
  ] as const)(
    'a Loki that %s: given up after --max-duration with the place kept, exit code 4',
    async (_, mode) => {
      const settings = { ...BEGINNING, 'loki.backoff.max_retries': '1000000', 'loki.timeout': '5m' };
      await withSite({ settings }, async (site) => {
        for (const name of ['a', 'b']) speaking(site, name, 5);
        const lift = site.loki.outage(mode, { endpoint: 'push' });
        const { code, stdout } = await site.pollard(['catch-up', '--json', '--max-duration', '2s']);
        expect([code, summaryOf(stdout).failed.map((each) => each.code)]).toEqual([
          4,
          ['max_duration_passed', 'max_duration_passed'],
        ]);
        expect(summaryOf(stdout).failed[0]?.reason).toBe(
          'the catch-up was given up after 2s: Loki takes nothing',
        );
        lift();
        await expectWhole(site, 10);
      });
    },
  );

  test('a log that hangs: given up after --max-duration as well, and Loki is not blamed', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 3);
      const id = site.engine.find('web')?.id ?? '';
      site.engine.fault({ endpoint: 'logs', container: id }, { kind: 'hang_before_header' });
      const { code, stdout } = await site.pollard(['catch-up', '--max-duration', '1s']);
      expect(code).toBe(6);
      expect(stdout).toMatch(/^failed {14}web: .*after 1s: there was more to do\n {20}-> nothing is lost/m);
      site.engine.clearFaults();
      await expectWhole(site, 3);
    });
  });

  test('a resend gives up after --max-duration, too', async () => {
    const settings = { ...BEGINNING, 'loki.backoff.max_retries': '1000000' };
    await withSite({ settings, loki: { limits: { maxLineBytes: 100 } } }, async (site) => {
      site.engine.addContainer({ name: 'web' }).writeLine('stdout', 'x'.repeat(200));
      expect((await site.pollard(['catch-up'])).code).toBe(6);
      site.loki.outage({ status: 503 });
      const words = ['resend', join(site.stateDir, 'rejected.jsonl'), '--json', '--max-duration', '1s'];
      const { code, stderr } = await site.pollard(words);
      expect(code).toBe(4);
      expect(stderr).toContain('pollard: the sending was given up after 1s: Loki takes nothing');
    });
  });

  test('a resend with a label: lines that Loki refuses for another reason than their order are refused again', async () => {
    await withSite({ settings: BEGINNING, loki: { limits: { maxLineBytes: 100 } } }, async (site) => {
      site.engine.addContainer({ name: 'web' }).writeLine('stdout', 'x'.repeat(200));
      expect((await site.pollard(['catch-up'])).code).toBe(6);
      const file = join(site.stateDir, 'rejected.jsonl');
      const again = await site.pollard(['resend', file, '--json', '--label', 'resent=yes']);
      expect([again.code, JSON.parse(again.stdout)]).toMatchObject([
        6,
        { lines: 1, accepted: 0, refused: 1 },
      ]);
      const { stdout: help } = await site.pollard(['resend', '--help']);
      expect(help.replaceAll(/\s+/g, ' ')).toContain('helps only lines too far behind');
      expect(help).toMatch(/^ {2}all others +raise the limit that the reason names; --label does not help$/m);
    });
  });

  test('what --max-duration cannot be', async () => {
    await withSite({}, async (site) => {
      const { code, stderr } = await site.pollard(['catch-up', '--max-duration', '15']);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/--max-duration: "15" is no length of time/)]);
    });
  });

  test('what Loki refuses is told and kept: it is not delivered, and the exit code says so', async () => {
    await withSite({ settings: BEGINNING, loki: { limits: { maxLineBytes: 100 } } }, async (site) => {
      speaking(site, 'web', 3);
      site.engine.find('web')?.writeLine('stdout', 'x'.repeat(200));
      const { code, stdout, stderr } = await site.pollard(['catch-up', '--json']);
      expect([code, summaryOf(stdout)]).toMatchObject([6, { lines: 3, rejected: 1, failed: [] }]);
      expect(stderr).toContain(join(site.stateDir, 'rejected.jsonl'));
    });
  });

  test('beside a service: says who has the cursors, and touches nothing', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 3);
      const service = await site.run();
      await site.untilStored(3);
      const { code, stdout, stderr } = await site.pollard(['catch-up']);
      expect([code, stdout]).toEqual([5, '']);
      expect(stderr).toContain(site.stateDir);
      expect(stderr).toContain(`process ${service.pid}`);
      expect(stderr).toMatch(/pollard run\).*\n {2}-> let the running one do the work, stop it first/);
      // Where that is no news, nothing is printed that cron would mail.
      expect(await site.pollard(['catch-up', '--skip-if-locked'])).toMatchObject({
        code: 0,
        stdout: '',
        stderr: '',
      });
      expect(service.running).toBe(true);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      await expectWhole(site, 3);
    });
  });

  test('switched off by collector.enabled: collects all the same, since it was asked to', async () => {
    await withSite({ settings: { ...BEGINNING, 'collector.enabled': 'false' } }, async (site) => {
      speaking(site, 'web', 3);
      const { code } = await site.pollard(['catch-up']);
      expect([code, site.loki.entries().length]).toEqual([0, 3]);
    });
  });
});

describe('a signal', () => {
  test('while the Engine is asked for its containers: ended, not broken, and the lock is free', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 3);
      site.engine.fault({ endpoint: 'list' }, { kind: 'hang_before_header' });
      const program = site.launch(['catch-up']);
      await site.untilStruck();
      program.signal('SIGINT');
      expect(await program.ended).toEqual({ code: 130, signal: null });
      expect(program.stdout).toBe('');
      const words = program.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
      expect(words).toEqual(['pollard: the catch-up was interrupted by a signal']);
      site.engine.clearFaults();
      await expectWhole(site, 3);
    });
  });

  test('while Loki does not answer: the summary says what was not done; nothing is lost', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 40);
      const lift = site.loki.outage('hang-after-accept', { endpoint: 'push' });
      const program = site.launch(['catch-up', '--json']);
      await until('a push hangs', () => site.loki.outagesStruck > 0);
      program.signal('SIGTERM');
      expect(await program.ended).toEqual({ code: 6, signal: null });
      expect(summaryOf(program.stdout).failed).toEqual([
        { container: 'web', code: '', reason: 'interrupted', hint: null, setting: null },
      ]);
      lift();
      await expectWhole(site, 40);
    });
  });

  test('a second one ends it at once; nothing is lost', async () => {
    await withSite({ settings: BEGINNING }, async (site) => {
      speaking(site, 'web', 40);
      // The reading of a log is given up by the first; the disk of the state directory is not waited for.
      site.engine.fault({ endpoint: 'list' }, { kind: 'hang_before_header' });
      const program = site.launch(['catch-up']);
      await site.untilStruck();
      program.signal('SIGTERM');
      program.signal('SIGTERM');
      expect((await program.ended).code).toBe(130);
      site.engine.clearFaults();
      await expectWhole(site, 40);
    });
  });
});

describe('the other commands by a signal', () => {
  test.each([
    ['check', 'ping', 'the check'],
    ['verify', 'list', 'the audit'],
  ] as const)('%s: ended, not broken', async (command, endpoint, what) => {
    await withSite({}, async (site) => {
      speaking(site, 'web', 3);
      site.engine.fault({ endpoint }, { kind: 'hang_before_header' });
      const program = site.launch([command]);
      await site.untilStruck();
      program.signal('SIGINT');
      expect(await program.ended).toEqual({ code: 130, signal: null });
      expect([program.stdout, program.stderr]).toEqual([
        '',
        `pollard: ${what} was interrupted by a signal\n`,
      ]);
      expect(existsSync(site.stateDir)).toBe(false);
    });
  });
});
