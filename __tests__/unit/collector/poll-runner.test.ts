import { newContainerState, type ContainerState } from '../../../src/collector/container-state.js';
import type { Engine } from '../../../src/collector/engine.js';
import { DeadlinePassed } from '../../../src/collector/bounded-signal.js';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import type { PossibleGap } from '../../../src/collector/possible-gap.js';
import { PollRunner, type StartPolicy } from '../../../src/collector/poll-runner.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import type { SinceSemantics } from '../../../src/docker/api-version.js';
import type { ContainerDetails, InspectedContainer } from '../../../src/model/container.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { PollardError } from '../../../src/model/errors.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { identityKeeper } from '../../support/identity-keeper.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ModelLog } from '../../support/model-log.js';
import { recordingObserver } from '../../support/recording-observer.js';
import { ObjectBatch, StrictLoki } from '../../support/strict-loki.js';

// A line with a timestamp of a whole second may be one of several, and is looked at more closely.
const NOW = 1_700_000_000n * NS_PER_SECOND + 5n;
const RUNNING: ContainerDetails = {
  tty: false,
  logDriver: 'json-file',
  startedAt: NOW - 60n * NS_PER_SECOND,
  finishedAt: 0n,
  running: true,
};

function setUp(
  options: {
    start?: StartPolicy;
    details?: Partial<InspectedContainer>;
    /** What the second look at it shows, and each behind that. */
    later?: Partial<InspectedContainer> | Error;
    bornUnderWatch?: boolean;
    since?: SinceSemantics;
  } = {},
) {
  const clock = new ManualClock(NOW);
  const log = new ModelLog();
  const loki = new StrictLoki();
  const observer = recordingObserver();
  const commits: Cursor[] = [];
  const removed: string[] = [];
  const possibleGaps: PossibleGap[] = [];
  let inspects = 0;
  /** Called while it is inspected, before the answer comes. */
  let onInspect: (() => void) | undefined;
  const keeper = identityKeeper();
  const batchNames: string[] = [];
  let fault: Error | undefined;
  /** Reads and pushes that are still good before they fail. */
  let goodReads = 0;
  let pushFault: Error | undefined;
  let goodPushes = 0;
  const engine: Engine = {
    list: async () => [],
    inspect: async () => {
      const later = inspects++ > 0 ? options.later : undefined;
      if (later instanceof Error) throw later;
      onInspect?.();
      return { ...RUNNING, ...options.details, ...later };
    },
    events: async () => ({ events: [], relist: false, overrun: false }),
  };
  const runner = new PollRunner({
    engine,
    clock,
    random: () => 0.5,
    observer,
    interval: { adaptive: true, interval: 5000, min: 500, max: 30_000, jitter: 0.1 },
    start: options.start ?? 'end',
    deadline: 60_000,
    verifyEvery: 12,
    fleet: keeper,
    access: {
      answered: () => undefined,
      refused: (_state, { message }) => observer.told.push(`refused: ${message}`),
    },
    onRemoved: (state) => {
      state.life = 'gone';
      removed.push(state.summary.name);
    },
    context: {
      read: async (request, sink) => {
        if (fault && goodReads-- <= 0) throw fault;
        return await log.read(request, sink);
      },
      newBatch: ({ name }, stream) => {
        batchNames.push(name);
        return new ObjectBatch(stream, 100, 1800n * NS_PER_SECOND);
      },
      push: async (batch) => {
        if (pushFault && goodPushes-- <= 0) throw pushFault;
        return loki.accept((batch as ObjectBatch).lines);
      },
      commit: async (cursor) => {
        commits.push(cursor);
      },
      onGap: (container) =>
        observer.gap(container, { cause: 'rotated', lastDelivered: 0n, firstAvailable: 0n }),
      onPossibleGap: (container, gap) => {
        observer.possibleGap(container, gap);
        possibleGaps.push(gap);
      },
      budget: new MemoryBudget(1_000_000),
      clock,
      settings: {
        anchor: 32,
        batchBytes: 1000,
        batchAge: 60_000,
        maxSpan: 1800n * NS_PER_SECOND,
        maxWaiting: 2,
        maxLineBytes: 1000,
        moveEqualStamps: false,
        gapMarker: true,
      },
      sinceSemantics: () => options.since ?? 'seek',
      poll: {
        window: { enabled: true, anchor: 32 },
        overlap: 2n * NS_PER_SECOND,
        openMaxAge: 30_000,
      },
    },
  });
  const state: ContainerState = newContainerState(
    { id: 'a', name: 'web', image: 'i', labels: {}, state: 'running', created: 0n },
    undefined,
    options.bornUnderWatch ?? false,
    0,
  );
  let written = 0;
  const write = (text: string, agoSeconds = 0n, terminated = true) => {
    const stamp = NOW - agoSeconds * NS_PER_SECOND + BigInt(written++);
    log.entries.push({ stream: 1, stamp, text: Buffer.from(text), terminated });
  };
  const poll = () => runner.run(state, new AbortController().signal);
  const stored = () => [...loki.stored.values()].map((line) => line.text);
  return {
    clock,
    log,
    loki,
    observer,
    commits,
    removed,
    possibleGaps,
    state,
    write,
    poll,
    stored,
    inspects: () => inspects,
    keeper,
    batchNames,
    whileInspected: (then: (() => void) | undefined) => (onInspect = then),
    failWith: (error: Error | undefined, afterReads = 0) => {
      fault = error;
      goodReads = afterReads;
    },
    pushesFail: (error: Error | undefined, afterPushes = 0) => {
      pushFault = error;
      goodPushes = afterPushes;
    },
  };
}

describe('where a container without a cursor is begun', () => {
  test('at the end: what was there is not sent, what comes is', async () => {
    const { write, poll, stored, commits } = setUp({ start: 'end' });
    write('old');
    await poll();
    expect(commits).toHaveLength(1);
    write('new');
    await poll();
    expect(stored()).toEqual(['new']);
  });

  test('at the beginning', async () => {
    const { write, poll, stored } = setUp({ start: 'beginning' });
    write('old');
    await poll();
    expect(stored()).toEqual(['old']);
  });

  test('so far back', async () => {
    const { write, poll, stored } = setUp({ start: { backNs: 10n * NS_PER_SECOND } });
    write('older', 20n);
    write('young', 5n);
    await poll();
    expect(stored()).toEqual(['young']);
  });

  test('so far back, and nothing is that young: only what comes is sent', async () => {
    const { write, poll, stored } = setUp({ start: { backNs: 10n * NS_PER_SECOND } });
    write('older', 20n);
    await poll();
    write('new');
    await poll();
    expect(stored()).toEqual(['new']);
  });

  test('born under watch: at its beginning, whatever the policy', async () => {
    const { write, poll, stored } = setUp({ start: 'end', bornUnderWatch: true });
    write('first words');
    await poll();
    expect(stored()).toEqual(['first words']);
  });

  test('an empty log at the end: the first line is delivered', async () => {
    const { write, poll, stored } = setUp({ start: 'end' });
    await poll();
    write('first');
    await poll();
    expect(stored()).toEqual(['first']);
  });
});

describe('the life of a container', () => {
  test('is inspected once, not at every poll', async () => {
    const { poll, inspects } = setUp();
    await poll();
    await poll();
    await poll();
    expect(inspects()).toBe(1);
  });

  test('an event comes while it is inspected: the answer may be older, and it is asked for again', async () => {
    const { poll, inspects, state } = setUp();
    const polled = poll();
    state.again = true;
    await polled;
    await poll();
    await poll();
    expect(inspects()).toBe(2);
  });

  test.each([
    { how: 'it runs again', finishedAt: NOW - 61n * NS_PER_SECOND, diedAt: undefined },
    { how: 'it waits for its restart', finishedAt: NOW, diedAt: NOW },
  ])('inspected behind a death, $how: whether that death is its last', async ({ finishedAt, diedAt }) => {
    const { poll, state } = setUp({ details: { running: true, finishedAt } });
    state.diedAt = NOW;
    await poll();
    expect(state.diedAt).toBe(diedAt);
  });

  test('renamed while it is inspected: no line is sent under the name that it had before', async () => {
    const { write, poll, state, keeper, inspects, batchNames, whileInspected } = setUp({
      start: 'beginning',
      details: { name: 'old' },
      later: { name: 'new' },
    });
    write('line');
    whileInspected(() => {
      if (inspects() === 1) state.identity.mayHaveChanged(keeper.asks());
    });
    await poll();
    expect(inspects()).toBe(2);
    expect(new Set(batchNames)).toEqual(new Set(['new']));
    await poll();
    expect(inspects()).toBe(2);
  });

  test('a list that was asked for later than inspect tells the name, although its answer came first', async () => {
    const { write, poll, state, keeper, inspects, batchNames, whileInspected } = setUp({
      start: 'beginning',
      details: { name: 'old' },
    });
    write('line');
    whileInspected(() => state.identity.listed({ ...state.summary, name: 'new' }, keeper.asks()));
    await poll();
    expect(new Set(batchNames)).toEqual(new Set(['new']));
    expect(inspects()).toBe(1);
  });

  test('events without end: it is inspected a few times, polled, and inspected again at the next poll', async () => {
    const { write, poll, state, keeper, inspects, stored, whileInspected } = setUp({ start: 'beginning' });
    write('line');
    whileInspected(() => state.identity.mayHaveChanged(keeper.asks()));
    await poll();
    expect(inspects()).toBe(3);
    expect(stored()).toEqual(['line']);
    whileInspected(undefined);
    await poll();
    expect(inspects()).toBe(4);
  });

  test('ended and read to the end: drained, last words without newline included', async () => {
    const { write, poll, state, stored } = setUp({
      start: 'beginning',
      details: { running: false, finishedAt: NOW },
    });
    write('line');
    write('last words', 0n, false);
    await poll();
    expect(state.life).toBe('drained');
    expect(stored()).toEqual(['line', 'last words']);
    // So that its removal later is no loss, whoever is there to see it.
    expect(state.cursor).toMatchObject({ complete: true });
  });

  test.each([
    { what: 'runs again', later: { running: true, startedAt: NOW + 1n } },
    { what: 'ran again, and has ended again', later: { startedAt: NOW + 1n, finishedAt: NOW + 2n } },
    { what: 'cannot be looked at', later: new Error('no answer') },
  ])('ended, and behind its last lines it $what: not read to the end, polled at once', async ({ later }) => {
    const { write, poll, state, stored, clock } = setUp({
      start: 'beginning',
      details: { running: false, finishedAt: NOW },
      later,
    });
    write('of its next life');
    expect(await poll()).toMatchObject({ fresh: 1 });
    expect(stored()).toEqual(['of its next life']);
    expect(state).toMatchObject({ life: 'active', dueAt: clock.monotonic() });
    expect(state.cursor!.complete).toBeUndefined();
  });

  test('ended, and its log grows at each look: it is read on, and not taken for damaged', async () => {
    const { write, poll, log, state, stored, observer } = setUp({
      start: 'beginning',
      details: { running: false, finishedAt: NOW },
    });
    const { read } = log;
    let grows = true;
    log.read = async (...asked) => {
      const answer = await read(...asked);
      if (grows) write(`late ${log.reads}`);
      return answer;
    };
    write('line');
    for (let polls = 0; polls < 20; polls++) await poll();
    // A poll and a look at the end each; nothing searches for damage.
    expect(log.reads).toBeLessThanOrEqual(2 * 20);
    grows = false;
    for (let polls = 0; polls < 3; polls++) await poll();
    expect(stored()).toHaveLength(log.entries.length);
    expect(observer.told.filter((told) => told.startsWith('gap'))).toEqual([]);
    expect(state.life).toBe('drained');
  });

  test('ended, and nothing new in its log: not looked at twice', async () => {
    const { poll, state, inspects } = setUp({
      start: 'beginning',
      details: { running: false, finishedAt: NOW },
    });
    await poll();
    expect(state.life).toBe('drained');
    expect(inspects()).toBe(1);
  });

  test('started again, it is no longer read to the end: written down before its log is asked for', async () => {
    const { write, poll, state, commits } = setUp({ start: 'beginning' });
    write('line');
    await poll();
    state.cursor = { ...state.cursor!, complete: true };
    const before = commits.length;
    await poll();
    expect(commits.slice(before).map(({ complete }) => complete)).toEqual([undefined]);
    expect(state.cursor.complete).toBeUndefined();
  });

  test('the clock is set back in the middle of a poll that reads to the end: it did not begin behind that', async () => {
    const { write, poll, state, clock } = setUp({ start: 'beginning' });
    write('line');
    const polled = poll();
    clock.step(-60_000);
    const died = clock.now();
    await polled;
    expect(state.readToEnd?.isAfter(died)).toBe(false);
    expect(state.readToEnd?.isAfter(died - NS_PER_SECOND)).toBe(true);
  });

  test.each([
    { what: 'a TTY that runs', details: { tty: true }, held: true },
    { what: 'a TTY that has ended', details: { tty: true, running: false, finishedAt: NOW }, held: false },
    { what: 'one without a TTY', details: {}, held: false },
  ])('read to the end, $what: whether last words may be held back', async ({ details, held }) => {
    const { write, poll, state } = setUp({ start: 'beginning', details });
    write('line');
    await poll();
    expect(state.lastWordsHeld).toBe(held);
  });

  test('a running container keeps its open line', async () => {
    const { write, poll, stored, state } = setUp({ start: 'beginning' });
    write('half', 0n, false);
    await poll();
    expect(stored()).toEqual([]);
    expect(state.cursor!.open).toHaveLength(1);
  });

  test('started at the end of the log, in the middle of a line with equal chunks: the rest is all delivered', async () => {
    const { write, poll, stored, log } = setUp({ start: 'end' });
    for (let i = 0; i < 5; i++) write(`line ${i}`);
    const chunk = { stream: 1 as const, stamp: NOW + 100n, text: Buffer.from('A'), terminated: false };
    for (let i = 0; i < 100; i++) log.entries.push({ ...chunk });
    await poll();
    for (let i = 0; i < 100; i++) log.entries.push({ ...chunk });
    await poll();
    log.entries.push({ ...chunk, text: Buffer.from('end'), terminated: true });
    await poll();
    expect(stored()).toEqual([`${'A'.repeat(100)}end`]);
  });

  test('a line open for too long is decided to be cut, durably, before it is delivered', async () => {
    const { write, poll, state, stored, clock, commits } = setUp({ start: 'beginning' });
    write('half', 0n, false);
    await poll();
    await clock.pass(31_000);
    await poll();
    expect(commits.at(-1)!.open[0]!.cut).toBe(true);
    expect(stored()).toEqual([]);
    expect(state.dueAt).toBeLessThanOrEqual(clock.monotonic());
    await poll();
    // What follows is the next piece of the line.
    const { open } = commits.at(-1)!;
    expect(open).toMatchObject([{ cut: false, delivered: { count: 1, lineId: open[0]!.stamp } }]);
    expect(open[0]!.text).toHaveLength(0);
    expect(stored()).toEqual(['half']);
  });

  test('a line whose end was delivered and not committed is not cut for its age afterwards', async () => {
    const { write, poll, state, log, loki, stored, clock } = setUp({ start: 'beginning' });
    write('half', 0n, false);
    await poll();
    const { cursor } = state;
    log.entries.push({ ...log.entries[0]!, text: Buffer.from(', and its end'), terminated: true });
    await poll();
    state.cursor = cursor;
    await clock.pass(31_000);
    await poll();
    await poll();
    expect(stored()).toEqual(['half, and its end']);
    expect([...loki.sent.values()]).toEqual([2]);
  });

  test('never started: it waits', async () => {
    const { poll, state } = setUp({ details: { startedAt: 0n, running: false } });
    await poll();
    expect(state.life).toBe('waiting');
  });

  test('started while it is inspected again and again: it does not wait for a start that is over', async () => {
    const { poll, state, keeper, inspects, whileInspected } = setUp({
      details: { running: false, startedAt: 0n },
    });
    // As the fleet takes events of its start and others.
    whileInspected(() => {
      state.identity.mayHaveChanged(keeper.asks());
      state.again = true;
    });
    await poll();
    expect(inspects()).toBe(3);
    expect(state.life).toBe('active');
  });

  test('removed: asked once, then told', async () => {
    const { poll, failWith, removed } = setUp();
    failWith(new PollardError('engine_not_found', 'No such container'));
    await poll();
    expect(removed).toEqual(['web']);
  });

  test('a driver that cannot be read: said once, left alone', async () => {
    const { poll, failWith, observer, state } = setUp();
    failWith(new PollardError('engine_not_implemented', 'does not support reading'));
    await poll();
    expect(observer.told).toEqual(['unreadable web']);
    expect(state.life).toBe('unreadable');
  });

  test('dying (409) for long: asked for ever later', async () => {
    const { poll, failWith, state, clock } = setUp();
    failWith(new PollardError('engine_conflict', 'is dead or marked for removal'));
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      await poll();
      waits.push(state.dueAt - clock.monotonic());
    }
    expect(waits.slice(0, 3)).toEqual([5000, 10_000, 20_000]);
    expect(waits.at(-1)).toBe(600_000);
  });

  test('refused (403): said, and asked for ever later', async () => {
    const { poll, failWith, state, clock, observer } = setUp();
    failWith(new PollardError('engine_permission', 'forbidden'));
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      await poll();
      waits.push(state.dueAt - clock.monotonic());
    }
    expect(waits.slice(0, 3)).toEqual([5000, 10_000, 20_000]);
    expect(waits.at(-1)).toBe(600_000);
    expect(observer.told.slice(0, 2)).toEqual(['refused: forbidden', 'failed web: forbidden']);
  });

  test('an Engine that is away is asked again at the normal pace', async () => {
    const { poll, failWith, state, clock, observer } = setUp();
    failWith(new PollardError('engine_unreachable', 'no such socket'));
    for (let i = 0; i < 5; i++) await poll();
    expect(state.dueAt - clock.monotonic()).toBe(5000);
    expect(observer.told).toContain('failed web: no such socket');
  });

  test.each([
    ['an Engine that does not answer in time', new PollardError('engine_timeout', 'gave no answer'), true],
    ['a deadline that passed before an answer', new DeadlinePassed(60_000), true],
    ['an Engine that is away', new PollardError('engine_unreachable', 'no such socket'), false],
  ])(
    '%s: whether it ran out of time is noted, until a poll comes to its end',
    async (_, error, outOfTime) => {
      const { poll, failWith, state } = setUp();
      failWith(error);
      await poll();
      expect(state.outOfTime).toBe(outOfTime);
      failWith(undefined);
      await poll();
      expect(state.outOfTime).toBe(false);
    },
  );

  test.each([
    ['a deadline in the middle of an answer', new DeadlinePassed(60_000), true],
    ['an answer that stalls', new LogBodyError('stalled', 'nothing came'), true],
    ['an answer that breaks off', new LogBodyError('truncated', 'broke off'), false],
  ])('%s: likewise', async (_, fault, outOfTime) => {
    const { write, poll, log, state } = setUp({ start: 'beginning' });
    for (const text of ['a', 'b', 'c']) write(text);
    log.cutAfter = 2;
    log.cutWith = fault;
    await poll();
    expect(state.outOfTime).toBe(outOfTime);
    log.cutAfter = Infinity;
    await poll();
    expect(state.outOfTime).toBe(false);
  });

  test('what was delivered is so, also when a look behind it fails', async () => {
    const { write, poll, failWith, state, stored, loki, observer, log } = setUp({
      start: 'beginning',
      since: 'filter',
    });
    write('a');
    await poll();
    write('b');
    log.reads = 0;
    failWith(new PollardError('engine_timeout', 'gave no answer'), 1);
    await poll();
    expect(stored()).toEqual(['a', 'b']);
    expect(state.lastError).toMatchObject({ code: 'engine_timeout' });
    // Told as a poll that brought something.
    expect(observer.told.filter((line) => line.startsWith('failed'))).toEqual([]);
    failWith(undefined);
    await poll();
    expect([...loki.sent.values()]).toEqual([1, 1]);
  });

  test('what was committed is not sent again, although the poll failed behind it', async () => {
    const { write, poll, pushesFail, stored, loki } = setUp({ start: 'beginning' });
    // A batch is full at 1000 bytes.
    for (let i = 0; i < 6; i++) write(`${i}`.padEnd(600, 'x'));
    pushesFail(new PollardError('push_failed', 'Loki takes nothing'), 1);
    await poll();
    const delivered = stored().length;
    expect(delivered).toBeGreaterThan(0);
    expect(delivered).toBeLessThan(6);
    pushesFail(undefined);
    await poll();
    expect(stored()).toHaveLength(6);
    expect([...loki.sent.values()]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('an answer that breaks off is delivered so far, and the rest is due at once', async () => {
    const { write, poll, log, state, stored, clock } = setUp({ start: 'beginning' });
    for (const text of ['a', 'b', 'c', 'd']) write(text);
    log.cutAfter = 2;
    await poll();
    expect(stored()).toEqual(['a', 'b']);
    expect(state.dueAt).toBe(clock.monotonic());
    log.cutAfter = Infinity;
    await poll();
    expect(stored()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a log emptied by hand is no gap, and what follows is delivered', async () => {
    const { write, poll, log, stored, observer } = setUp({ start: 'beginning' });
    write('before');
    await poll();
    log.entries = [];
    await poll();
    write('after');
    await poll();
    expect(stored()).toEqual(['before', 'after']);
    expect(observer.told.filter((line) => line.startsWith('gap'))).toEqual([]);
  });

  test('rotated past the cursor: a gap, told once and marked in the stream', async () => {
    const { write, poll, log, stored, observer } = setUp({ start: 'beginning' });
    write('a');
    await poll();
    log.entries = [];
    write('c');
    await poll();
    await poll();
    expect(observer.told.filter((line) => line.startsWith('gap'))).toEqual(['gap web']);
    expect(stored()).toEqual(['a', expect.stringContaining('pollard: gap: lines of container web'), 'c']);
  });
});

describe('the beginning of a log that is rotated', () => {
  /** A line of ten characters takes 80 bytes or so. */
  const logLimit = { format: 'json-file', fileBytes: 800, files: 2, attributeBytes: 0 } as const;
  const details = { logLimit, startedAt: NOW - 3n * NS_PER_SECOND, createdAt: NOW - 4n * NS_PER_SECOND };
  const line = (i: number) => `line ${i}`.padEnd(10);
  const MARKER = expect.stringContaining(
    'pollard: possible gap: lines of container web between 2023-11-14T22:13:16.000000005Z and 2023-11-14T22:13:20.000000005Z may be missing: the log holds at most 1.6 kB',
  ) as unknown as string;

  test('may be gone where the log held as much as it can: named once, 1 ns before the first line', async () => {
    const { write, poll, stored, loki, possibleGaps, observer, state } = setUp({
      details,
      bornUnderWatch: true,
    });
    for (let i = 0; i < 12; i++) write(line(i));
    await poll();
    expect(possibleGaps).toEqual([
      { from: NOW - 4n * NS_PER_SECOND, firstAvailable: NOW, span: 3000, limit: 1600 },
    ]);
    expect(stored()).toContainEqual(MARKER);
    const marker = [...loki.stored.values()].find(({ text }) => text.startsWith('pollard: '));
    expect(marker).toMatchObject({ stamp: NOW - 1n, stream: 'stdout' });
    for (let i = 12; i < 60; i++) write(line(i));
    await poll();
    expect(observer.told.filter((told) => told.startsWith('possible gap'))).toHaveLength(1);
    expect(stored()).toHaveLength(61);
    expect(state.cursor!.start).toBeUndefined();
  });

  test.each([3, 10])('is there where the log held %s lines, and nothing is named later', async (count) => {
    const { write, poll, stored, possibleGaps } = setUp({ details, bornUnderWatch: true });
    for (let i = 0; i < count; i++) write(line(i));
    await poll();
    for (let i = count; i < 60; i++) write(line(i));
    await poll();
    expect(possibleGaps).toEqual([]);
    expect(stored()).toHaveLength(60);
  });

  test('is not wanted where the log is begun at its end, or some time back', async () => {
    for (const start of ['end', { backNs: 10n * NS_PER_SECOND }] as const) {
      const { write, poll, possibleGaps } = setUp({ details, start });
      for (let i = 0; i < 40; i++) write(line(i));
      await poll();
      expect(possibleGaps).toEqual([]);
    }
  });

  test('is judged over a push that failed, and over an answer that broke off: the marker is the same', async () => {
    const { write, poll, pushesFail, stored, log, loki, possibleGaps, commits } = setUp({
      details: { ...details, logLimit: { ...logLimit, fileBytes: 2000 } },
      bornUnderWatch: true,
    });
    // A batch is full at 1000 bytes: the first ones are stored and committed before it can be known.
    for (let i = 0; i < 40; i++) write(`${i}`.padEnd(90, 'x'));
    log.cutAfter = 12;
    await poll();
    expect(commits.at(-1)!.start).toMatchObject({ stamp: NOW, stream: 'stdout', fullFiles: 0 });
    expect(possibleGaps).toEqual([]);
    log.cutAfter = Infinity;
    // The marker goes out with the batch, and what is behind it does not.
    pushesFail(new PollardError('push_failed', 'Loki takes nothing'), 1);
    await poll();
    pushesFail(undefined);
    await poll();
    expect(possibleGaps.length).toBeGreaterThan(0);
    expect(new Set(possibleGaps.map(({ firstAvailable }) => firstAvailable))).toEqual(new Set([NOW]));
    expect(stored().filter((text) => text.startsWith('pollard: '))).toHaveLength(1);
    expect(stored()).toHaveLength(41);
    expect(loki.refused).toEqual([]);
  });

  test('far before the entry by which it is known: the marker stands there, where Loki takes it', async () => {
    const { write, poll, loki } = setUp({ details, start: 'beginning' });
    for (let i = 0; i < 10; i++) write(line(i), 7200n);
    for (let i = 10; i < 14; i++) write(line(i));
    await poll();
    const marker = [...loki.stored.values()].find(({ text }) => text.startsWith('pollard: '));
    expect(marker!.stamp).toBeGreaterThan(NOW - NS_PER_SECOND);
    expect(loki.refused).toEqual([]);
  });

  test('a container that has just started is polled again soon, until it is known how much it writes', async () => {
    const bounded = setUp({ details, bornUnderWatch: true });
    const unbounded = setUp({ details: { startedAt: details.startedAt }, bornUnderWatch: true });
    const pauses: number[][] = [];
    for (const { write, poll, state, clock } of [bounded, unbounded]) {
      const each: number[] = [];
      write('first');
      await poll();
      each.push(state.dueAt - clock.monotonic());
      await clock.pass(5000);
      write('second');
      await poll();
      each.push(state.dueAt - clock.monotonic());
      pauses.push(each);
    }
    expect(pauses).toEqual([
      [500, 5000],
      [5000, 5000],
    ]);
  });
});
