import { describe, expect, test } from '@jest/globals';
import type { LogSource } from '../../../src/collector/log-source.js';
import { gapSpan } from '../../../src/collector/gap.js';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { pollContainer, type PollContext } from '../../../src/collector/poll.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import type { ContainerRef } from '../../../src/model/container.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { ENGINE_PROFILES, EngineLog, type EngineProfileName } from '../../../src/simulators/engine/index.js';
import { containerNamed, START } from '../../support/audit-fixture.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ObjectBatch, StrictLoki } from '../../support/strict-loki.js';

const PROFILES = ['20.10', '24', '28.5'] as const;

/** A log in files of so many records, and polls of it until nothing more comes. */
function setUp(profileName: EngineProfileName, files: readonly number[]) {
  const profile = ENGINE_PROFILES[profileName];
  const log = new EngineLog({ profile, maxFiles: files.length });
  const loki = new StrictLoki();
  let requests = 0;
  const world = {
    /** Called after each answer. */
    afterAnswer: (): void => undefined,
    ended: true,
    /** The next answer to be delivered with this `tail` breaks off after so many entries. */
    breakOffs: [] as { readonly tail: number; readonly after: number }[],
  };
  let random = 1;
  /** Between 0 and 1, the same at every run (Park and Miller). */
  const chance = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
  const read: LogSource = async ({ tail, since, flow }, sink) => {
    requests++;
    const { entries, error } = log.open({ tail, since });
    const [next] = world.breakOffs;
    const cut = flow !== undefined && next?.tail === (tail ?? 0) ? world.breakOffs.shift() : undefined;
    // The daemon's error overtakes lines, or gets lost behind the last of them: see answerLogs of the simulator.
    let seen = entries;
    let fault = error;
    if (error !== undefined) {
      let sure = Math.max(0, entries.length - Math.floor(chance() * 5));
      while (sure < entries.length && chance() < 0.5) sure++;
      seen = entries.slice(0, sure);
      if (sure === entries.length && chance() < 0.5) fault = undefined;
    }
    for (const { stream, stampNs, text, terminated } of seen.slice(0, cut?.after)) {
      const seconds = Number(stampNs / NS_PER_SECOND);
      const nanos = Number(stampNs % NS_PER_SECOND);
      sink.entry(stream === 'stdout' ? 1 : 2, seconds, nanos, text, 0, text.length, terminated);
    }
    world.afterAnswer();
    if (cut !== undefined) return { bytes: 0, fault: new LogBodyError('truncated', 'the answer broke off') };
    return { bytes: 0, ...(fault === undefined ? {} : { fault: new LogBodyError('daemon_error', fault) }) };
  };
  const container: ContainerRef = {
    ...containerNamed('web'),
    logDriver: 'json-file',
    created: START - 5n,
    finishedAt: START + 1_000_000n,
    ...(files.length === 1 ? { singleFile: true } : {}),
  };
  let cursor: Cursor = {
    containerId: container.id,
    containerName: container.name,
    anchor: [],
    open: [],
    moved: {},
    committedAt: 0n,
  };
  const gaps: unknown[] = [];
  const context: PollContext = {
    read,
    newBatch: (_container, stream) => new ObjectBatch(stream, 1000, 1800n * NS_PER_SECOND),
    push: async (batch) => loki.accept((batch as ObjectBatch).lines),
    commit: async (next) => void (cursor = next),
    onGap: (_container, gap) => void gaps.push(gap),
    budget: new MemoryBudget(1_000_000),
    clock: new ManualClock(),
    settings: {
      anchor: 32,
      batchBytes: 10_000,
      batchAge: 60_000,
      maxSpan: 1800n * NS_PER_SECOND,
      maxWaiting: 2,
      maxLineBytes: 1_000_000,
      moveEqualStamps: false,
      gapMarker: true,
    },
    sinceSemantics: () => profile.since,
    passesOverFiles: () => profile.corruption === 'skip_rest_of_file',
    poll: { window: { enabled: true, anchor: 32 }, overlap: 2n * NS_PER_SECOND, openMaxAge: 1e12 },
  };
  let suspect = false;
  const poll = async () => {
    const report = await pollContainer(context, {
      container: { ...container, running: !world.ended },
      cursor,
      expected: 200,
      ended: world.ended,
      verify: true,
      suspect,
      signal: new AbortController().signal,
    });
    ({ suspect } = report);
    return report;
  };
  /** As the last words of a process, which end without a newline. */
  const writeOpen = (text: string): void => {
    const stampNs = START + BigInt(log.nextSequence) * 10n;
    log.append({ stream: 'stdout', stampNs, text: Buffer.from(text), terminated: false });
  };
  const write = (): void => {
    const number = log.nextSequence;
    log.writeLine('stdout', `line ${number}`, START + BigInt(number) * 10n);
  };
  for (const [index, count] of files.entries()) {
    if (index > 0) log.rotate();
    for (let i = 0; i < count; i++) write();
  }
  /** Damages a record of a file, from the oldest. */
  const damage = (file: number, index: number): void => log.corrupt(index, 'torn', files.length - 1 - file);
  /** What any `tail` shows. */
  const shown = (): string[] => {
    const all = new Map<bigint, string>();
    for (let tail = 1; tail <= log.nextSequence + 1; tail++) {
      for (const { stampNs, text } of log.open({ tail }).entries) all.set(stampNs, text.toString());
    }
    return [...all].sort(([a], [b]) => Number(a - b)).map(([, text]) => text);
  };
  const stored = () => [...loki.stored.values()].sort((a, b) => Number(a.stamp - b.stamp));
  return {
    world,
    loki,
    write,
    writeOpen,
    damage,
    shown,
    gaps,
    context,
    poll,
    /** So often that nothing more comes, with what the last poll came to. */
    pollOn: async () => {
      for (let polls = 0; ; polls++) {
        const report = await poll();
        const isWhole = report.fault === undefined && !report.suspect;
        // As the runner of polls writes down.
        if (isWhole && world.ended) cursor = { ...cursor, complete: true };
        const isDone = isWhole && (world.ended || report.fresh === 0);
        if (isDone || polls === 20) return report;
      }
    },
    lines: () => stored().flatMap(({ text }) => (gapSpan(text) === undefined ? [text] : [])),
    spans: () => stored().flatMap(({ text }) => gapSpan(text) ?? []),
    requests: () => requests,
  };
}

/** Files by their numbers of records, and the damaged ones: [file, record]. */
const LOGS: Readonly<Record<string, readonly [files: number[], damaged: [number, number][]]>> = {
  'one damaged record': [[150], [[0, 75]]],
  'two damaged records': [[150], [[0, 39], [0, 109]]],
  'damaged records close together': [[80], [[0, 40], [0, 41], [0, 43], [0, 45]]],
  'a damaged record at the beginning': [[50], [[0, 0]]],
  'damaged records at the beginning and further on': [[90], [[0, 0], [0, 2], [0, 60]]],
  'damaged records at the end': [[50], [[0, 48], [0, 49]]],
  'damaged records in the middle and at the end': [[60], [[0, 19], [0, 58], [0, 59]]],
  'damaged records in a rotated file': [[70, 30], [[0, 20], [0, 50]]],
  'damaged records around a rotation': [[40, 40], [[0, 38], [0, 39], [1, 0], [1, 1], [1, 30]]],
}; // prettier-ignore

const CASES = PROFILES.flatMap((profile) => Object.keys(LOGS).map((what) => [profile, what] as const));

describe('a log with damaged records', () => {
  test.each(CASES)(
    '%s, %s: each line that some tail shows is delivered once, and each place is named',
    async (profile, what) => {
      const [files, damaged] = LOGS[what]!;
      const { damage, shown, pollOn, lines, spans, loki, gaps, requests } = setUp(profile, files);
      for (const [file, index] of damaged) damage(file, index);
      const report = await pollOn();
      expect({ what, fault: report.fault, suspect: report.suspect }).toEqual({ what, suspect: false });
      expect(lines()).toEqual(shown());
      expect(new Set(loki.sent.values())).toEqual(new Set([1]));
      const places = spans();
      expect(gaps).toHaveLength(places.length);
      for (const { lastDelivered, firstAvailable } of places) {
        expect(lastDelivered).toBeGreaterThanOrEqual(START - 5n);
        expect(firstAvailable).toBeGreaterThan(lastDelivered);
      }
      // Each gap between lines is named, by the lines around it.
      const stamps = lines().map((text) => START + BigInt(text.replace('line ', '')) * 10n);
      for (const [i, stamp] of stamps.entries()) {
        const before = stamps[i - 1];
        if (before === undefined || stamp - before === 10n) continue;
        expect(places).toContainEqual({ lastDelivered: before, firstAvailable: stamp });
      }
      // What is damaged stays so: nothing is searched for again.
      const asked = requests();
      await pollOn();
      expect(requests() - asked).toBeLessThan(60);
      expect(gaps).toHaveLength(places.length);
    },
  );

  test.each(PROFILES)('%s: also where it is written to at each request', async (profile) => {
    const { world, write, damage, pollOn, lines, loki, shown, gaps } = setUp(profile, [150]);
    damage(0, 39);
    damage(0, 109);
    world.ended = false;
    let more = 300;
    world.afterAnswer = () => {
      if (more-- > 0 && more % 7 === 0) write();
    };
    for (let rounds = 0; rounds < 10; rounds++) await pollOn();
    world.afterAnswer = () => undefined;
    await pollOn();
    expect(lines()).toEqual(shown());
    expect(gaps).toHaveLength(2);
    expect(new Set(loki.sent.values())).toEqual(new Set([1]));
  });

  test.each(PROFILES)(
    '%s: a log that is written to too fast is given up, and what it costs is named',
    async (profile) => {
      const { world, write, damage, pollOn, lines, gaps, requests } = setUp(profile, [150]);
      damage(0, 39);
      damage(0, 109);
      world.ended = false;
      let isFast = true;
      world.afterAnswer = () => {
        for (let i = 0; isFast && i < 3; i++) write();
      };
      const before = requests();
      await pollOn();
      isFast = false;
      expect(requests() - before).toBeLessThan(5000);
      await pollOn();
      expect(lines().slice(0, 39)).toHaveLength(39);
      expect(lines().at(-1)).toMatch(/^line \d+$/);
      expect(gaps.length).toBeGreaterThan(0);
    },
  );

  const modes = PROFILES.flatMap((profile) => [true, false].map((window) => [profile, window] as const));
  test.each(modes)(
    '%s, window %s: a line left open is delivered when its container ends, after damage before it',
    async (profile, enabled) => {
      const { world, writeOpen, damage, pollOn, lines, context } = setUp(profile, [60]);
      Object.assign(context.poll.window, { enabled });
      world.ended = false;
      await pollOn();
      writeOpen('last words');
      await pollOn();
      expect(lines()).not.toContain('last words');
      damage(0, 20);
      await pollOn();
      world.ended = true;
      const report = await pollOn();
      expect([report.fault, report.suspect]).toEqual([undefined, false]);
      expect(lines().at(-1)).toBe('last words');
      expect(report.cursor.open).toEqual([]);
    },
  );

  test.each(['24', '28.5'] as const)(
    '%s: an answer behind one that breaks off is continued, and how much can be read counts all of it',
    async (profile) => {
      const { world, damage, poll, pollOn, lines, loki, shown } = setUp(profile, [150]);
      damage(0, 39);
      world.breakOffs.push({ tail: 110, after: 50 });
      let report = await poll();
      for (let polls = 0; polls < 5 && world.breakOffs.length > 0; polls++) report = await poll();
      expect(world.breakOffs).toEqual([]);
      expect(report.readable).toBe(110);
      await pollOn();
      expect(lines()).toEqual(shown());
      expect(new Set(loki.sent.values())).toEqual(new Set([1]));
    },
  );

  test.each(['24', '28.5'] as const)(
    '%s: where very many are damaged, one poll asks only so often, and the next ones go on',
    async (profile) => {
      const { damage, poll, lines, shown, requests } = setUp(profile, [900]);
      for (let record = 1; record < 900; record += 2) damage(0, record);
      const costs: number[] = [];
      let report: Awaited<ReturnType<typeof poll>>;
      do {
        const before = requests();
        report = await poll();
        costs.push(requests() - before);
      } while (costs.length < 20 && (report.fault !== undefined || report.suspect));
      expect(Math.max(...costs)).toBeLessThan(1500);
      expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeGreaterThan(1700);
      expect(lines()).toEqual(shown());
    },
  );
});
