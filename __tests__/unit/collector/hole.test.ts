import { gapSpan } from '../../../src/collector/gap.js';
import { hasHole } from '../../../src/collector/hole.js';
import type { LogSource } from '../../../src/collector/log-source.js';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { pollContainer, type PollContext } from '../../../src/collector/poll.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { ManualClock } from '../../support/manual-clock.js';
import { containerNamed, START } from '../../support/audit-fixture.js';
import { ModelLog } from '../../support/model-log.js';
import { ObjectBatch, StrictLoki } from '../../support/strict-loki.js';

const container = containerNamed('web');

/** A container on an Engine that goes on somewhere behind a damaged entry, as 20.10 may. */
function setUp(enabled = true) {
  const log = new ModelLog();
  log.semantics = 'filter';
  const loki = new StrictLoki();
  let cursor: Cursor = {
    containerId: container.id,
    containerName: container.name,
    anchor: [],
    open: [],
    moved: {},
    committedAt: 0n,
  };
  const context: PollContext = {
    read: async (request, sink) => await log.read(request, sink),
    newBatch: (_container, stream) => new ObjectBatch(stream, 1000, 1800n * NS_PER_SECOND),
    push: async (batch) => await Promise.resolve(loki.accept((batch as ObjectBatch).lines)),
    commit: async (next) => {
      await Promise.resolve();
      cursor = next;
    },
    onGap: () => undefined,
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
    sinceSemantics: () => 'filter',
    poll: {
      window: { enabled, anchor: 32 },
      overlap: 2n * NS_PER_SECOND,
      openMaxAge: 1e12,
    },
  };
  const poll = async () =>
    await pollContainer(context, {
      container,
      cursor,
      expected: 100,
      ended: false,
      verify: true,
      suspect: false,
      signal: new AbortController().signal,
    });
  const write = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const number = log.entries.length;
      const stamp = START + BigInt(number);
      log.entries.push({ stream: 1, stamp, text: Buffer.from(`line ${number}`), terminated: true });
    }
  };
  const damage = (number: number, lost: number): void => void log.damaged.set(log.entries[number]!, lost);
  const lines = (): string[] =>
    [...loki.stored.values()].map(({ text }) => text).filter((text) => gapSpan(text) === undefined);
  const gaps = () => [...loki.stored.values()].flatMap(({ text }) => gapSpan(text) ?? []);
  return { log, loki, poll, place: () => cursor, write, damage, lines, gaps };
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}`);

describe('an Engine that passes over entries behind a damaged one, and then goes on', () => {
  test('they are reached by a window that begins behind the damage, and the damage is named as a gap', async () => {
    const { log, poll, write, damage, lines, gaps } = setUp();
    write(40);
    await poll();
    write(41);
    damage(40, 17);
    const report = await poll();
    expect(report.gap).toMatchObject({ cause: 'unreadable' });
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 40), ...numbers(41, 81)]));
    expect(gaps()).toEqual([{ lastDelivered: START + 39n, firstAvailable: START + 41n }]);
    // While the damage is within the window, what comes later is neither lost nor named again.
    write(5);
    await poll();
    await poll();
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 40), ...numbers(41, 86)]));
    expect(gaps()).toHaveLength(1);
    expect(log.entries).toHaveLength(86);
  });

  test('so is one that is passed over alone, also where the chunks of a line around it have its stamp', async () => {
    const { log, poll, write, damage, lines, gaps } = setUp();
    write(40);
    await poll();
    write(10);
    damage(43, 0);
    expect((await poll()).gap).toMatchObject({ cause: 'unreadable' });
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 43), ...numbers(44, 50)]));
    expect(gaps()).toEqual([{ lastDelivered: START + 42n, firstAvailable: START + 44n }]);
    write(5);
    await poll();
    await poll();
    expect(gaps()).toHaveLength(1);
    const stamp = START + 55n;
    for (const text of ['first chunk', 'second chunk', 'last chunk']) {
      log.entries.push({ stream: 1, stamp, text: Buffer.from(text), terminated: text === 'last chunk' });
    }
    damage(56, 0);
    await poll();
    expect(gaps()).toEqual([expect.anything(), { lastDelivered: stamp, firstAvailable: stamp }]);
  });

  test('a line that goes on behind it is sent again as it was shown, and not in two', async () => {
    const { log, poll, write, damage, lines } = setUp();
    write(40);
    await poll();
    const stamp = START + 40n;
    log.entries.push({ stream: 1, stamp, text: Buffer.from('a line in '), terminated: false });
    await poll();
    write(1);
    damage(41, 0);
    log.entries.push({ stream: 1, stamp, text: Buffer.from('two chunks'), terminated: true });
    expect((await poll()).gap).toMatchObject({ cause: 'unreadable' });
    expect(lines()).toEqual([...numbers(0, 40), 'a line in two chunks']);
  });

  test('so they are at the beginning of a log, which is read without a window', async () => {
    const { poll, write, damage, lines, gaps } = setUp();
    write(8);
    damage(0, 5);
    await poll();
    expect(new Set(lines())).toEqual(new Set(numbers(1, 8)));
    expect(gaps()).toEqual([{ lastDelivered: container.created, firstAvailable: START + 1n }]);
    write(4);
    await poll();
    expect(new Set(lines())).toEqual(new Set(numbers(1, 12)));
    expect(gaps()).toHaveLength(1);
  });

  test('and so they are behind a rotation', async () => {
    const { log, poll, write, damage, lines, gaps } = setUp();
    write(40);
    await poll();
    log.entries.splice(0, 40);
    for (let number = 40; number < 60; number++) {
      const stamp = START + BigInt(number);
      log.entries.push({ stream: 1, stamp, text: Buffer.from(`line ${number}`), terminated: true });
    }
    damage(5, 7);
    await poll();
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 45), ...numbers(46, 60)]));
    expect(gaps()).toEqual([
      { lastDelivered: START + 39n, firstAvailable: START + 40n },
      { lastDelivered: START + 44n, firstAvailable: START + 46n },
    ]);
  });

  test('of a damaged entry that was delivered before nothing is lost, and nothing is named or sent twice', async () => {
    const { loki, poll, write, damage, lines, gaps } = setUp();
    write(40);
    await poll();
    damage(3, 2);
    write(10);
    await poll();
    expect(lines()).toEqual(numbers(0, 50));
    expect(gaps()).toEqual([]);
    expect(new Set(loki.sent.values())).toEqual(new Set([1]));
  });

  test('a log that is rotated meanwhile has none', async () => {
    const { log, loki, poll, write, lines, gaps } = setUp();
    write(20);
    await poll();
    write(20);
    const read = log.read;
    log.read = async (request, sink) => {
      const answer = await read(request, sink);
      log.entries.splice(0, 3);
      return answer;
    };
    await poll();
    expect(lines()).toEqual(numbers(0, 40));
    expect(gaps()).toEqual([]);
    expect(new Set(loki.sent.values())).toEqual(new Set([1]));
  });

  test('a log shorter than the window is only looked at, also when it is written to meanwhile', async () => {
    const { log, loki, poll, write, lines, gaps } = setUp();
    write(5);
    await poll();
    write(5);
    const read = log.read;
    log.read = async (request, sink) => {
      const answer = await read(request, sink);
      write(2);
      return answer;
    };
    for (let polls = 0; polls < 5; polls++) await poll();
    log.read = read;
    await poll();
    expect(lines()).toEqual(numbers(0, log.entries.length));
    expect(gaps()).toEqual([]);
    expect(new Set(loki.sent.values())).toEqual(new Set([1]));
  });
});

describe('what was delivered, and could not be looked through then', () => {
  /** A poll that passes over the entries 40 to 57, delivers what follows, and does not come to the end of the log. */
  async function passOver() {
    const world = setUp();
    world.write(40);
    await world.poll();
    world.write(41);
    world.damage(40, 17);
    world.log.cutAfter = 60;
    expect((await world.poll()).fault).toBeDefined();
    world.log.cutAfter = Infinity;
    expect(world.lines()).toEqual([...numbers(0, 40), ...numbers(58, 78)]);
    expect(world.gaps()).toEqual([]);
    return world;
  }

  test('is looked through by the next poll, when an answer was cut off', async () => {
    const { poll, write, lines, gaps } = await passOver();
    write(10);
    await poll();
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 40), ...numbers(41, 91)]));
    expect(gaps()).toEqual([{ lastDelivered: START + 39n, firstAvailable: START + 41n }]);
    write(10);
    await poll();
    await poll();
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 40), ...numbers(41, 101)]));
    expect(gaps()).toHaveLength(1);
  });

  test('also when nothing new comes, and first another answer is cut off', async () => {
    const { log, poll, place, lines, gaps } = await passOver();
    log.cutAfter = 62;
    await poll();
    expect({ gaps: gaps(), sound: place().soundUpTo?.anchor.at(-1)?.stamp }).toEqual({
      gaps: [],
      sound: START + 39n,
    });
    log.cutAfter = Infinity;
    await poll();
    expect(gaps()).toHaveLength(1);
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 40), ...numbers(41, 81)]));
    expect(place().soundUpTo).toBeUndefined();
    await poll();
    expect(gaps()).toHaveLength(1);
  });

  test.each([1, 2, 3, 4])('also when the collector goes down at its look number %d', async (looks) => {
    const { log, poll, write, damage, lines, gaps } = setUp();
    write(40);
    await poll();
    write(41);
    damage(40, 17);
    const read = log.read;
    let reads = 0;
    log.read = async (request, sink) => {
      if (reads++ === looks) throw new Error('down');
      return await read(request, sink);
    };
    expect((await poll()).fault).toBeDefined();
    expect(gaps()).toEqual([]);
    await poll();
    expect(new Set(lines())).toEqual(new Set([...numbers(0, 40), ...numbers(41, 81)]));
    expect(gaps()).toEqual([{ lastDelivered: START + 39n, firstAvailable: START + 41n }]);
  });

  test('is named where the log was rotated past its beginning: nothing tells any more', async () => {
    const { log, poll, write, lines, gaps } = await passOver();
    log.entries.splice(0, 60);
    const [first] = log.entries;
    log.entries.push({ ...first!, stamp: START + 81n, text: Buffer.from('line 81') });
    await poll();
    expect(lines().slice(-4)).toEqual(['line 78', 'line 79', 'line 80', 'line 81']);
    expect(gaps()).toEqual([{ lastDelivered: START + 39n, firstAvailable: START + 60n }]);
    write(1);
    await poll();
    await poll();
    expect(gaps()).toHaveLength(1);
  });

  /** Leaves a sound place further back than the first window in which it is looked for. */
  async function leaveFarBack() {
    const world = setUp(false);
    world.write(40);
    await world.poll();
    world.write(200);
    world.log.cutAfter = 150;
    expect((await world.poll()).fault).toBeDefined();
    world.log.cutAfter = Infinity;
    expect(world.place().soundUpTo?.anchor.at(-1)?.stamp).toBe(START + 39n);
    return world;
  }

  test('is no gap where what has no newline at the end of a TTY does not count in an answer', async () => {
    const { log, poll, lines, gaps, place } = await leaveFarBack();
    log.entries.push({ stream: 1, stamp: START + 240n, text: Buffer.from('last words'), terminated: false });
    const { read, entries } = log;
    log.read = async (request, sink) => {
      const shown = entries.slice(-(request.tail ?? entries.length));
      log.entries = request.lastWords === true ? shown : shown.slice(0, -1);
      const answer = await read({ ...request, tail: entries.length }, sink);
      log.entries = entries;
      return answer;
    };
    await poll();
    expect({ lines: new Set(lines()), gaps: gaps() }).toEqual({ lines: new Set(numbers(0, 240)), gaps: [] });
    expect(place().soundUpTo).toBeUndefined();
  });

  test('is no gap where the answer of a TTY, which does not show its end, was cut short', async () => {
    const { log, poll, lines, gaps, place } = await leaveFarBack();
    const { read } = log;
    log.read = async (request, sink) => {
      const { entries } = log;
      // The window of twice the anchor in which the place is looked for.
      if (request.tail === 64) log.entries = entries.slice(0, -10);
      const answer = await read(request.tail === 64 ? { ...request, tail: 54 } : request, sink);
      log.entries = entries;
      return answer;
    };
    await poll();
    expect({ lines: new Set(lines()), gaps: gaps() }).toEqual({ lines: new Set(numbers(0, 240)), gaps: [] });
    expect(place().soundUpTo).toBeUndefined();
  });

  test('is inside of the gap where the log was rotated past its end, too', async () => {
    const { log, poll, lines, gaps } = await passOver();
    log.entries.splice(0, 79);
    await poll();
    expect(lines().slice(-2)).toEqual(['line 79', 'line 80']);
    expect(gaps()).toEqual([{ lastDelivered: START + 39n, firstAvailable: START + 79n }]);
    await poll();
    expect(gaps()).toHaveLength(1);
  });

  test('is not named, nor sent twice, where nothing was passed over', async () => {
    const { log, loki, poll, write, lines, gaps } = setUp();
    write(40);
    await poll();
    for (let polls = 0; polls < 4; polls++) {
      write(20);
      log.cutAfter = 40 + 7 * (polls + 1);
      await poll();
      log.cutAfter = Infinity;
    }
    await poll();
    expect(lines()).toEqual(numbers(0, log.entries.length));
    expect(gaps()).toEqual([]);
    expect(new Set(loki.sent.values())).toEqual(new Set([1]));
  });
});

test.each([
  { errors: 2, what: 'is asked again, and finds the hole' },
  { errors: 3, what: 'gives up' },
])('where the daemon has an error $errors times in a row, the search $what', async ({ errors }) => {
  const { log, write, damage } = setUp();
  write(20);
  damage(10, 3);
  const error = new LogBodyError('daemon_error', 'for a moment');
  let left = errors;
  const read: LogSource = async (request, sink) =>
    left-- > 0 ? { bytes: 0, fault: error } : await log.read(request, sink);
  const found = hasHole(read, container, 100, new AbortController().signal);
  if (errors < 3) expect(await found).toBe(true);
  else await expect(found).rejects.toMatchObject({ name: 'LookCutShort', fault: error });
});
