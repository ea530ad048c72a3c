import type { VerifyParts } from '../../../src/commands/verify.js';
import { streamTarget } from '../../../src/loki/stream-target.js';
import { RejectedStore } from '../../../src/loki/rejected-store.js';
import { HeldBytes } from '../../../src/audit/held-bytes.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { withVerifyWorld, type VerifyWorld } from '../../support/verify-world.js';

const SECOND = NS_PER_SECOND;
const SELECTOR = '{job="docker"}';

/** Some containers that write whatever containers write. */
function write(world: VerifyWorld, lines = 300): void {
  const web = world.engine.addContainer({ name: 'web' });
  const tty = world.engine.addContainer({ name: 'tty', tty: true });
  const local = world.engine.addContainer({ name: 'local', driver: 'local' });
  const journald = world.engine.addContainer({ name: 'journald', driver: 'journald' });
  for (let i = 0; i < lines; i++) {
    const now = world.clock.now();
    web.writeLine(i % 3 === 0 ? 'stderr' : 'stdout', `line ${i}`);
    // Two writers: the later line has the earlier stamp.
    if (i % 10 === 0) web.writeLine('stdout', `late ${i}`, now - 500_000n);
    if (i % 50 === 0) web.writeLine('stdout', `long ${i} `.padEnd(40_000, 'x'));
    if (i % 20 === 0) web.writeLine('stdout', Buffer.from([0x62, 0xff, 0xfe, 0x80, 0xe2, 0x82]));
    tty.writeLine('stdout', `tty ${i} \u001b[31mred`);
    local.writeLine('stderr', Buffer.from([0xff, i & 0xff, 0x41]));
    journald.writeLine('stdout', 'same', now);
    journald.writeLine('stdout', 'same', now + 200n);
    world.clock.pass(20);
  }
}

describe.each(['20.10', '23', '24', '28.5'] as const)('with an Engine %s', (engine) => {
  test('all that was collected is delivered; what is lost is found, sent, and found again', async () => {
    await withVerifyWorld({ engine }, async (world) => {
      write(world);
      await world.collect();
      const clean = await world.report();
      expect(clean).toMatchObject({
        exit_code: 0,
        failure: null,
        totals: { missing: 0, pending: 0, refused: 0 },
      });
      expect(clean.totals.loki_only).toEqual({ rotated: 0, unknown: 0 });
      expect(clean.containers.map(({ container, status, judged_by: by }) => [container, status, by])).toEqual(
        ['journald', 'local', 'tty', 'web'].map((name) => [name, 'read', 'cursor']),
      );
      const { delivered = 0, folded, lines } = clean.totals;
      expect(lines).toBe([...world.engine.written()].length);
      expect(delivered).toBe(world.loki.counts().entries);
      expect(folded).toBe((lines ?? 0) - delivered);

      const late = 'late 100';
      expect(world.loki.lose(1, SELECTOR, ({ line }) => line === late)).toBe(1);
      const found = await world.verify();
      expect(found.code).toBe(7);
      expect(found.text).toMatch(/^missing {4}web stdout 2023-11-14T\S+Z late 100$/m);
      expect(found.text).toContain(`1 of ${lines} lines are missing in Loki`);

      const before = world.loki.requests.filter(({ path }) => path.endsWith('/push')).length;
      const repaired = await world.report({}, { repair: world.repair });
      expect(repaired).toMatchObject({ exit_code: 0, totals: { missing: 0, repaired: 1, delivered } });
      expect(
        repaired.containers.find(({ container }) => container === 'web')?.samples['repaired'],
      ).toMatchObject([{ stream: 'stdout', text: late }]);
      const pushes = world.loki.requests.filter(({ path }) => path.endsWith('/push')).slice(before);
      expect(pushes.map(({ push }) => push?.received)).toEqual([1]);
      expect(await world.report()).toMatchObject({
        exit_code: 0,
        totals: { missing: 0, repaired: 0, delivered },
      });
    });
  });
});

test('equal stamps that were moved apart, with a log that is collected in pieces', async () => {
  await withVerifyWorld({ moveEqualStamps: true }, async (world) => {
    const web = world.engine.addContainer({ name: 'web', driver: 'journald' });
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 50; i++) web.writeLine('stdout', 'same', world.clock.now() + BigInt((i / 7) | 0));
      await world.collect();
      world.clock.pass(3_000);
    }
    expect(await world.report()).toMatchObject({
      exit_code: 0,
      totals: { lines: 250, delivered: 250, folded: 0 },
    });
    expect(await world.report({ since: '10s' })).toMatchObject({
      exit_code: 0,
      totals: { folded: 0, missing: 0 },
    });
  });
});

test('50,000 lines are looked at in bounded memory, and the few that are missing are found', async () => {
  await withVerifyWorld(
    {
      memoryBytes: 512 * 1024,
      loki: {
        limits: {
          ingestionRateBytes: 1e9,
          ingestionBurstBytes: 1e9,
          perStreamRateBytes: 1e9,
          perStreamBurstBytes: 1e9,
          shardStreams: false,
        },
      },
    },
    async (world) => {
      const web = world.engine.addContainer({ name: 'web', recordsLines: false });
      const begin = world.clock.now();
      for (let i = 0; i < 50_000; i++)
        web.log.append({
          stampNs: begin + BigInt(i) * 20_000_000n,
          stream: i % 2 === 0 ? 'stdout' : 'stderr',
          text: Buffer.from(`line ${i} of a log that is long`),
          terminated: true,
        });
      world.clock.pass(1_000_000);
      await world.collect();
      const held = new HeldBytes();
      const clean = await world.report({}, { held });
      expect(clean).toMatchObject({ exit_code: 0, totals: { lines: 50_000, delivered: 50_000 } });
      const lost = new Set([5, 7_777, 23_456, 49_999].map((i) => `line ${i} of a log that is long`));
      world.loki.lose(10, SELECTOR, ({ line }) => lost.has(line));
      const { totals, exit_code: code } = await world.report();
      expect({ code, missing: totals['missing'], delivered: totals['delivered'] }).toEqual({
        code: 7,
        missing: 4,
        delivered: 49_996,
      });
      // Everything is missing: many more lines than fingerprints that there is room for.
      world.loki.lose(Infinity, SELECTOR);
      expect((await world.report()).totals).toMatchObject({ missing: 50_000, delivered: 0 });
    },
  );
});

describe('lines that Loki has under other labels', () => {
  const fill = async (world: VerifyWorld): Promise<void> => {
    const web = world.engine.addContainer({ name: 'web' });
    for (let i = 0; i < 100; i++) web.writeLine(i % 3 === 0 ? 'stderr' : 'stdout', `line ${i}`);
    await world.collect();
  };

  test('are delivered and named; a repair does not send them again', async () => {
    await withVerifyWorld({}, async (world) => {
      await fill(world);
      world.loki.lose(1, SELECTOR, ({ line }) => line === 'line 7');
      const before = world.loki.counts().entries;
      const { streamLabels, repair } = world.onHost('b');
      const found = await world.verify({}, { streamLabels });
      expect(found.code).toBe(7);
      expect(found.text).toContain(
        '99 not under the labels of these settings: the same lines exist under {host="h"}',
      );
      expect(found.text).toContain('1 of 100 lines are missing in Loki');

      // What is nowhere is sent.
      const repaired = await world.report({}, { streamLabels, repair });
      expect(repaired).toMatchObject({
        exit_code: 6,
        withheld: 99,
        totals: { delivered: 100, relabelled: 99, missing: 0, repaired: 1 },
        containers: [{ other_labels: [{ labels: '{host="h"}', lines: 99 }] }],
      });
      expect(world.loki.counts().entries).toBe(before + 1);
      const again = await world.verify({}, { streamLabels, repair });
      expect(again.code).toBe(6);
      expect(again.text).toContain('nothing is missing; 99 lines were not sent again');
      expect(again.text).toContain('--force');
      expect(await world.verify({}, { streamLabels })).toMatchObject({ code: 0 });
    });
  });

  test('are sent again if that is forced', async () => {
    await withVerifyWorld({}, async (world) => {
      await fill(world);
      const { streamLabels, repair } = world.onHost('b');
      const forced = await world.report({}, { streamLabels, repair: { ...repair, force: true } });
      expect(forced).toMatchObject({ exit_code: 0, withheld: 0, totals: { repaired: 100, relabelled: 0 } });
      expect(world.loki.counts().entries).toBe(200);
      // Under its own labels all was there before.
      expect(await world.report()).toMatchObject({ exit_code: 0, totals: { delivered: 100, relabelled: 0 } });
    });
  });

  test('are found where the container had a label less', async () => {
    await withVerifyWorld({}, async (world) => {
      await fill(world);
      const { repair } = world;
      const before = world.loki.counts().entries;
      const streamLabels: VerifyParts['streamLabels'] = (container, stream) => ({
        ...world.onHost('h').streamLabels(container, stream),
        app: 'shop',
      });
      const report = await world.report({}, { streamLabels, repair });
      expect(report).toMatchObject({ exit_code: 6, totals: { missing: 0, relabelled: 100 } });
      expect(report.containers[0]?.other_labels).toEqual([{ labels: '{app=""}', lines: 100 }]);
      expect(world.loki.counts().entries).toBe(before);
    });
  });

  test('of another container are no lines of this one', async () => {
    await withVerifyWorld({}, async (world) => {
      const [web, db] = ['web', 'db'].map((name) => world.engine.addContainer({ name }));
      const stamp = world.clock.now();
      for (const each of [web, db]) each?.writeLine('stdout', 'same', stamp);
      await world.collect();
      expect(world.loki.lose(1, '{container="web"}')).toBe(1);
      const report = await world.report({}, { repair: world.repair });
      expect(report).toMatchObject({ exit_code: 0, totals: { repaired: 1, relabelled: 0, delivered: 2 } });
    });
  });
});

describe('many lines of one stamp', () => {
  const fill = (world: VerifyWorld, count: number): void => {
    const web = world.engine.addContainer({ name: 'web' });
    // Not a whole second, whose lines would be moved apart.
    const now = world.clock.now() - 500n;
    web.writeLine('stdout', 'before', now - 1n);
    for (let i = 0; i < count; i++) web.writeLine('stdout', `line ${i}`, now);
    web.writeLine('stdout', 'behind', now + 1n);
  };

  test('10,000 are seen from both ends, also when Loki gives 5,000 at once', async () => {
    await withVerifyWorld({}, async (world) => {
      fill(world, 10_000);
      await world.collect();
      expect(await world.report()).toMatchObject({
        exit_code: 0,
        totals: { lines: 10_002, delivered: 10_002 },
      });
    });
  });

  test('of more than that, what was not seen is not judged, and said not to be', async () => {
    await withVerifyWorld({}, async (world) => {
      fill(world, 12_000);
      await world.collect();
      const { exit_code: code, totals } = await world.report();
      expect(code).toBe(6);
      expect(totals).toMatchObject({ lines: 12_002, delivered: 10_002, crowded: 2000, missing: 0 });
      const { text } = await world.verify();
      expect(text).toMatch(/^note {7}2000 not judged: .*max_entries_limit_per_query/m);
      expect(text).toContain('nothing is known to be missing; not all lines could be judged');
    });
  });
});

test('pages over 4 MiB, which do not come, are asked for in pieces', async () => {
  const limits = {
    ingestionRateBytes: 1e9,
    ingestionBurstBytes: 1e9,
    perStreamRateBytes: 1e9,
    perStreamBurstBytes: 1e9,
    shardStreams: false,
  };
  await withVerifyWorld(
    { loki: { limits, oversizedAnswer: { afterMs: 5, end: 'close' } } },
    async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      for (let i = 0; i < 900; i++) {
        // Short ones, then long ones, which a page size of the short ones would bring together.
        web.writeLine('stdout', i < 600 ? `short ${i}` : `long ${i} `.padEnd(100_000, 'x'));
        world.clock.pass(10);
      }
      await world.collect();
      expect(await world.report()).toMatchObject({ exit_code: 0, totals: { lines: 900, delivered: 900 } });
      const answered = (status: number | undefined): number =>
        world.loki.requests.filter(
          (request) => request.path.endsWith('/query_range') && request.status === status,
        ).length;
      // The sizes were known from the Engine's side.
      expect(answered(undefined)).toBe(0);
      // Here they are not: the lines were rotated away.
      web.log.rotate();
      const { totals } = await world.report();
      expect(totals.loki_only).toEqual({ rotated: 900, unknown: 0 });
      expect(answered(undefined)).toBeGreaterThan(0);
    },
  );
});

test('lines that Loki refused are named, with the reason, and sent again under a label of their own', async () => {
  await withVerifyWorld({}, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    const now = world.clock.now();
    web.writeLine('stdout', 'newest', now);
    await world.collect();
    for (let i = 0; i < 3; i++) web.writeLine('stdout', `old ${i}`, now - 7200n * SECOND + BigInt(i));
    web.writeLine('stderr', 'far too long '.padEnd(300_000, 'x'), now);
    const { rejected } = await world.collect();
    expect(rejected).toBe(3);
    const { exit_code: code, totals, containers } = await world.report();
    expect(code).toBe(0);
    expect(totals).toMatchObject({ lines: 5, delivered: 2, refused: 3, missing: 0 });
    expect(containers[0]?.refusals).toEqual([
      { kind: 'too-far-behind', lines: 3, reason: expect.stringMatching(/entry too far behind/) },
    ]);
    expect(containers[0]?.samples['refused']?.map(({ text }) => text)).toEqual(['old 0', 'old 1', 'old 2']);
    expect((await world.verify()).text).toMatch(/^refused {4}web 3 too-far-behind: 400 .*too far behind/m);

    // Into the same stream they are refused again, and kept.
    const again = await world.resend();
    expect(again.code).toBe(6);
    expect(again.text).toMatch(/^refused again +3$/m);
    expect(again.text).toMatch(/^refused lines +\S+rejected\.jsonl\.again$/m);
    const own = await world.resend({ label: 'resent=yes' });
    expect(own).toMatchObject({ code: 0, text: expect.stringMatching(/^accepted +3$/m) });
    expect(await world.report()).toMatchObject({
      exit_code: 0,
      totals: { delivered: 5, refused: 0, missing: 0 },
    });
    // To send them once more changes nothing.
    const entries = world.loki.counts().entries;
    expect((await world.resend({ label: 'resent=yes', json: true })).text).toMatch(
      /"accepted":3,"refused":0,"not_sent":0/,
    );
    expect(world.loki.counts().entries).toBe(entries);
  });
});

test('a repair that Loki refuses leaves the lines refused, and says why', async () => {
  await withVerifyWorld({}, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    const begin = world.clock.now();
    web.writeLine('stdout', 'old', begin);
    await world.collect();
    world.clock.pass(7_200_000);
    web.writeLine('stdout', 'new');
    await world.collect();
    expect(world.loki.lose(1, SELECTOR, ({ line }) => line === 'old')).toBe(1);
    expect(await world.report()).toMatchObject({ exit_code: 7, totals: { missing: 1 } });
    const { totals, containers, exit_code: code } = await world.report({}, { repair: world.repair });
    expect({
      code,
      missing: totals['missing'],
      repaired: totals['repaired'],
      refused: totals['refused'],
    }).toEqual({
      code: 0,
      missing: 0,
      repaired: 0,
      refused: 1,
    });
    expect(containers[0]?.refusals).toMatchObject([{ kind: 'too-far-behind', lines: 1 }]);
  });
});

test('what was rotated away is in Loki only, and a gap is known by its marker', async () => {
  await withVerifyWorld({}, async (world) => {
    const web = world.engine.addContainer({ name: 'web', rotation: { maxFiles: 2 } });
    const some = async (from: number, collect: boolean): Promise<void> => {
      for (let i = from; i < from + 10; i++) {
        web.writeLine('stdout', `line ${i}`);
        world.clock.pass(10);
      }
      if (collect) await world.collect();
      web.log.rotate();
    };
    await some(0, true);
    await some(10, false);
    await some(20, false);
    for (let i = 30; i < 40; i++) web.writeLine('stdout', `line ${i}`);
    await world.collect();
    const { exit_code: code, totals, containers } = await world.report();
    expect(code).toBe(0);
    expect(totals).toMatchObject({ lines: 20, delivered: 20, missing: 0, gap_markers: 1 });
    expect(totals.loki_only).toEqual({ rotated: 10, unknown: 0 });
    expect(containers[0]?.samples['gaps']?.[0]?.text).toMatch(
      /^pollard: gap: lines of container web between/,
    );
  });
});

test('a line that stayed open for too long is in Loki in two pieces, and delivered', async () => {
  await withVerifyWorld({}, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    web.writeChunk('stdout', 'x'.repeat(20_000));
    await world.collect();
    world.clock.pass(60_000);
    await world.collect();
    web.writeChunk('stdout', 'end of the line\n');
    web.writeLine('stdout', 'next');
    await world.collect();
    expect(await world.report()).toMatchObject({
      exit_code: 0,
      totals: { lines: 2, delivered: 2, in_pieces: 1, missing: 0, loki_only: { unknown: 0 } },
    });
  });
});

test('containers of one name are told apart by their id', async () => {
  await withVerifyWorld({}, async (world) => {
    const first = world.engine.addContainer({ name: 'web' });
    first.writeLine('stdout', 'of the first');
    await world.collect();
    first.remove();
    const second = world.engine.addContainer({ name: 'web' });
    second.writeLine('stdout', 'of the second');
    await world.collect();
    const { totals, containers } = await world.report();
    expect(containers).toHaveLength(1);
    expect(totals).toMatchObject({ lines: 1, delivered: 1, loki_only: { rotated: 0, unknown: 0 } });
  });
  await withVerifyWorld({ structuredMetadata: false }, async (world) => {
    const first = world.engine.addContainer({ name: 'web' });
    first.writeLine('stdout', 'of the first');
    await world.collect();
    first.remove();
    world.clock.pass(10);
    const second = world.engine.addContainer({ name: 'web' });
    second.writeLine('stdout', 'of the second');
    await world.collect();
    expect((await world.report()).totals).toMatchObject({
      lines: 1,
      delivered: 1,
      loki_only: { rotated: 1, unknown: 0 },
    });
  });
});

test('a container that was renamed has its lines under both names', async () => {
  await withVerifyWorld({}, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    web.writeLine('stdout', 'as web');
    await world.collect();
    web.rename('shop');
    world.clock.pass(10);
    web.writeLine('stdout', 'as shop');
    await world.collect();
    expect(await world.report()).toMatchObject({
      exit_code: 0,
      totals: { lines: 2, delivered: 2, renamed: 1, missing: 0 },
    });
  });
});

test('of a container that was renamed nothing is pending that is there under its first name, also where damage hides the place of the cursor', async () => {
  await withVerifyWorld({}, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    web.writeLine('stdout', 'as web');
    await world.collect();
    web.rename('shop');
    world.clock.pass(10);
    // More than a cursor remembers.
    for (let i = 0; i < 40; i++) web.writeLine('stdout', `as shop ${i}`);
    await world.collect();
    web.log.corrupt(1);
    expect(await world.report()).toMatchObject({
      exit_code: 0,
      // All but the damaged record.
      totals: { lines: 40, delivered: 40, renamed: 1, pending: 0, missing: 0 },
    });
  });
});

test('what the collector has not come to is pending; what it never saw is judged by time', async () => {
  await withVerifyWorld({}, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    web.writeLine('stdout', 'collected');
    await world.collect();
    world.clock.pass(1000);
    web.writeLine('stdout', 'not yet');
    expect(await world.report()).toMatchObject({
      exit_code: 0,
      totals: { lines: 2, delivered: 1, pending: 1 },
    });
    const unseen = world.engine.addContainer({ name: 'unseen' });
    unseen.writeLine('stdout', 'young');
    expect((await world.report({ containers: ['unseen'] })).totals).toMatchObject({ lines: 0, missing: 0 });
    world.clock.pass(120_000);
    const { exit_code: code, containers } = await world.report({ containers: ['uns*'] });
    expect(code).toBe(7);
    expect(containers).toMatchObject([
      { container: 'unseen', judged_by: 'time', streams: { stdout: { missing: 1 } } },
    ]);
  });
});

test('drivers that keep no logs, damaged logs, an Engine or a Loki that is away', async () => {
  await withVerifyWorld({}, async (world) => {
    const good = world.engine.addContainer({ name: 'good' });
    good.writeLine('stdout', 'x');
    world.engine.addContainer({ name: 'none', driver: 'none' });
    const torn = world.engine.addContainer({ name: 'torn' });
    for (let i = 0; i < 5; i++) torn.writeLine('stdout', `line ${i}`);
    world.engine.addContainer({ name: 'created', started: false });
    await world.collect();
    torn.log.corrupt(2);
    const { exit_code: code, containers, totals } = await world.report();
    expect(code).toBe(0);
    expect(containers.map(({ container, status }) => [container, status])).toEqual([
      ['created', 'never-started'],
      ['good', 'read'],
      ['none', 'no-log'],
      // What can be shown around the damaged record is read.
      ['torn', 'read'],
    ]);
    expect(totals['missing']).toBe(0);
    expect((await world.verify()).text).toMatch(/^note {7}none: .*its driver keeps no logs$/m);

    await world.loki.stopListening();
    const away = await world.report({ containers: ['good'] });
    expect(away).toMatchObject({ exit_code: 4, failure: { code: 'loki_unreachable' } });
    await world.loki.listen();
    await world.engine.stopDaemon();
    await expect(world.verify()).rejects.toMatchObject({ code: 'engine_unreachable', exit: 'engine' });
    await world.engine.startDaemon();
    world.loki.outage({ status: 503 }, { endpoint: 'read', forRequests: 2 });
    expect(await world.report({ containers: ['good'] })).toMatchObject({ exit_code: 0 });
  });
});

test('lines that stand in Loki more than once are counted, and said', async () => {
  // A head block of one entry: nothing that comes again is folded.
  await withVerifyWorld({ engine: '28.5', loki: { limits: { headBlockBytes: 1 } } }, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    for (let i = 0; i < 5; i++) web.writeLine('stdout', `line ${i}`);
    await world.collect();
    const [first, second] = world.loki.entries(SELECTOR);
    for (const { labels, stamp, line, metadata } of [second!, first!, second!]) {
      const values = [[String(stamp), line, metadata]];
      const { status } = await fetch(`${world.loki.url}/loki/api/v1/push`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ streams: [{ stream: labels, values }] }),
      });
      expect(status).toBe(204);
    }
    expect(world.loki.counts().twice).toBe(3);
    const { exit_code: code, totals } = await world.report();
    expect(code).toBe(0);
    expect(totals).toMatchObject({ lines: 5, delivered: 5, missing: 0, stored_twice: 3 });
    const { text } = await world.verify();
    expect(text).toMatch(/^note {7}3 more than once in Loki/m);
  });
});

describe('lines that were refused, and only counted', () => {
  /** Loki has lost so many lines of a container; the summary says that two of that time were refused. */
  async function lost(count: number, use: (world: VerifyWorld) => Promise<void>): Promise<void> {
    await withVerifyWorld({}, async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      const from = world.clock.now();
      for (let i = 0; i < 10; i++) web.writeLine('stdout', `line ${i}`, from + BigInt(i) * SECOND);
      world.clock.pass(20_000);
      await world.collect();
      world.loki.lose(count, SELECTOR);
      const store = await RejectedStore.open({
        path: world.rejectedFile,
        clock: world.clock,
        maxBytes: 1 << 20,
      });
      const structuredMetadata = { container_id: web.id };
      const target = streamTarget({ labels: { stream: 'stdout' }, structuredMetadata, containerName: 'web' });
      const until = from + 9n * SECOND;
      const reason = 'older than the 7 days that Loki accepts';
      await store.count([{ target, kind: 'too-old', reason, lines: 2, from, until }]);
      await store.close();
      await use(world);
    });
  }

  test('are refused, and no repair sends them', async () => {
    await lost(2, async (world) => {
      const pushes = (): number => world.loki.requests.filter(({ path }) => path.endsWith('/push')).length;
      const before = pushes();
      const report = await world.report({}, { repair: world.repair });
      expect(report).toMatchObject({
        exit_code: 0,
        totals: { delivered: 8, refused: 2, missing: 0, repaired: 0 },
      });
      expect(report.containers[0]?.refusals).toEqual([
        { kind: 'too-old', lines: 2, reason: 'older than the 7 days that Loki accepts' },
      ]);
      expect(report.containers[0]?.samples['refused']).toHaveLength(2);
      expect(pushes()).toBe(before);
      const { text } = await world.verify();
      expect(text).toMatch(/refused/);
    });
  });

  test('explain no more lines than there were: one that is really missing among them shows', async () => {
    await lost(3, async (world) => {
      expect(await world.report()).toMatchObject({
        exit_code: 7,
        totals: { delivered: 7, refused: 2, missing: 1 },
      });
    });
  });
});
