import { describe, expect, test } from '@jest/globals';
import { readRejectedSummary } from '../../../src/loki/rejected-reader.js';
import { readRejectedFile } from '../../../src/loki/rejected.js';
import type { RejectedLine } from '../../../src/loki/rejected-record.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { pollard, type PollardRun } from '../../support/commands/pollard.js';
import { settingArgs } from '../../support/setting-flags.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const KIB = 1024;
const HOUR = 3_600_000;
const QUIET = 8;

test('a backlog drains at the rate that Loki allows, and keeps nobody waiting who has little to say', async () => {
  const clock = new PassingClock();
  const options = {
    clock,
    // 16 MiB at 256 KiB a second take a minute of waiting.
    loki: { limits: { ingestionRateBytes: 256 * KIB, ingestionBurstBytes: 512 * KIB } },
    settings: {
      memory: { max_in_flight: 1024 * KIB },
      // The first hog of it reads and pushes all of the time.
      poll: { concurrency: 2, deadline: '1h' },
      loki: { batch: { max_bytes: 128 * KIB }, outage_grace: '1m' },
    },
  };
  await withCollector(options, async (world) => {
    const { engine, loki } = world;
    await world.start();
    const lift = loki.outage({ status: 503 });
    const huge = engine.addContainer({ name: 'huge' });
    const backlog = 16_384;
    for (let i = 0; i < backlog; i++) huge.writeLine('stdout', `${i} `.padEnd(KIB, 'x'));
    // Each push may wait for one of the backlog's, half a second: all of them together for much less than the minute.
    const quiet = Array.from({ length: QUIET }, (_, i) => engine.addContainer({ name: `quiet-${i}` }));
    for (const container of quiet) container.writeLine('stdout', 'a word');
    await until('it is noticed', () => loki.outagesStruck > 0);

    lift();
    const stored = (selector: string): number => loki.entries(selector).length;
    // And again, while the backlog drains.
    for (const words of [1, 2, 3]) {
      await until(
        `all of the others are there, ${words} times`,
        () => stored('{container=~"quiet-.*"}') === QUIET * words,
        { instead: () => [loki.counts(), stored('{container="huge"}')] },
      );
      for (const container of quiet) container.writeLine('stdout', `word ${words}`);
    }
    expect(stored('{container="huge"}')).toBeLessThan(backlog);
    expect(loki.counts().pushStatuses[429] ?? 0).toBeGreaterThan(0);

    await until(
      'the backlog is there, and the last word',
      () => {
        clock.pass(1000);
        return loki.counts().entries >= backlog + 4 * QUIET;
      },
      { instead: () => loki.counts() },
    );
    await world.caughtUp();
    await world.stop();
    const accounts = [...(await world.accounts()).values()];
    expect(accounts.map(({ lost, twice, rejected }) => ({ lost, twice, rejected }))).toEqual(
      accounts.map(() => ({ lost: 0, twice: 0, rejected: 0 })),
    );
    expect(accounts).toHaveLength(QUIET + 1);
  });
});

async function rejected({ rejectedFile }: CollectingWorld): Promise<RejectedLine[]> {
  const lines: RejectedLine[] = [];
  for await (const line of readRejectedFile(rejectedFile)) lines.push(line);
  return lines;
}

async function resend(
  { config, loki, rejectedFile }: CollectingWorld,
  ...more: string[]
): Promise<PollardRun> {
  const settings = { 'loki.url': loki.url, 'collector.state_dir': config.collector.state_dir };
  return await pollard(['resend', rejectedFile, '--json', ...more, ...settingArgs(settings)]);
}

describe('what Loki does not take any more after an outage', () => {
  test('too old: reported, and the rest goes through', async () => {
    const clock = new PassingClock();
    await withCollector({ clock }, async (world) => {
      const { engine, loki } = world;
      const web = engine.addContainer({ name: 'web' });
      await world.start();
      web.writeLine('stdout', 'before');
      await world.caughtUp();

      const lift = loki.outage({ status: 503 });
      web.writeLine('stdout', 'of the first day');
      web.writeLine('stderr', 'of the first day, too');
      await until('it is noticed', () => world.health.report().parts.loki.state === 'degraded');
      for (let day = 0; day < 8; day++) clock.pass(24 * HOUR);
      web.writeLine('stdout', 'of the last day');
      lift();
      await until('the last line is there', () =>
        loki.entries().some(({ line }) => line === 'of the last day'),
      );
      await world.caughtUp();

      // Docker's log has them: no copy is kept.
      expect(await rejected(world)).toEqual([]);
      const { rows } = await readRejectedSummary(world.rejectedFile);
      expect(rows.map(({ stream, kind, lines }) => [stream, kind, lines]).sort()).toEqual([
        ['stderr', 'too-old', 1],
        ['stdout', 'too-old', 1],
      ]);
      expect(await world.metric('pollard_rejected_lines_total')).toBe(2);
      expect(await world.metric('pollard_skipped_too_old_lines_total')).toBe(2);
      const web1 = (await world.accounts()).get(web.id);
      expect(web1).toMatchObject({ written: 4, inLoki: 2, rejected: 2, lost: 0, twice: 0, marks: [] });

      const again = await resend(world);
      expect(again.code).toBe(0);
      expect(JSON.parse(again.stdout)).toMatchObject({ lines: 0, not_kept: [{ kind: 'too-old', lines: 2 }] });
    });
  });

  test('too far behind another sender: sent again under a label of its own', async () => {
    const clock = new PassingClock();
    await withCollector({ clock, settings: { shutdown: { timeout: '100ms' } } }, async (world) => {
      const { engine, loki } = world;
      const web = engine.addContainer({ name: 'web' });
      await world.start();
      web.writeLine('stdout', 'before');
      await world.caughtUp();

      const lift = loki.outage({ status: 503 });
      web.writeLine('stdout', 'early in the outage');
      await until('it is noticed', () => world.health.report().parts.loki.state === 'degraded');
      await world.stop();
      clock.pass(3 * HOUR);
      web.writeLine('stdout', 'late in the outage');
      lift();
      await pushElsewhere(world, 'another sender was first');
      await world.start();
      await until('the last line is there', () =>
        loki.entries().some(({ line }) => line === 'late in the outage'),
      );
      await world.caughtUp();

      const lines = await rejected(world);
      expect(lines.map(({ line, reason }) => [line.toString(), reason])).toEqual([
        ['early in the outage', expect.stringMatching(/too far behind/)],
      ]);

      const same = await resend(world);
      expect([same.code, JSON.parse(same.stdout)]).toMatchObject([6, { accepted: 0, refused: 1 }]);
      const own = await resend(world, '--label', 'resent=yes');
      expect([own.code, JSON.parse(own.stdout)]).toMatchObject([0, { accepted: 1, refused: 0 }]);
      expect(loki.entries('{resent="yes"}')).toMatchObject([
        { line: 'early in the outage', labels: { container: 'web', resent: 'yes' } },
      ]);
    });
  });
});

/** A line of another sender in the stream of the one that is there. */
async function pushElsewhere({ loki, clock }: CollectingWorld, line: string): Promise<void> {
  const [stored] = loki.entries('{container="web"}');
  const { status } = await fetch(`${loki.url}/loki/api/v1/push`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ streams: [{ stream: stored?.labels, values: [[String(clock.now()), line]] }] }),
  });
  expect(status).toBe(204);
}
