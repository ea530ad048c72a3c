import { Delivery, type Delivered } from '../../../src/collector/delivery.js';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { LinesTooNew } from '../../../src/loki/loki-error.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ObjectBatch } from '../../support/strict-loki.js';

const HALF_HOUR = 1800n * NS_PER_SECOND;

interface Push {
  lines: string[];
  /** Left out: all was accepted. */
  settle: (result?: Delivered) => void;
  fail: (error: Error) => void;
  /** Aborts when the push is no longer wanted. */
  signal: AbortSignal;
}

function setUp(
  options: {
    maxEntries?: number;
    maxWaiting?: number;
    budget?: MemoryBudget;
    commit?: () => Promise<void>;
    onUncommitted?: () => void;
    refusedFrom?: number;
  } = {},
) {
  const pushes: Push[] = [];
  const commits: number[] = [];
  let place = 0;
  const budget = options.budget ?? new MemoryBudget(1_000_000);
  const delivery = new Delivery<number>({
    newBatch: (stream) => new ObjectBatch(stream, options.maxEntries ?? 100, HALF_HOUR),
    push: (batch, signal) =>
      new Promise((resolve, reject) => {
        pushes.push({
          signal,
          lines: (batch as ObjectBatch).lines.map((line) => line.text),
          settle: (result = { accepted: batch.entries, rejected: 0 }) => resolve(result),
          fail: reject,
        });
      }),
    snapshot: () => place,
    commit: async (at) => {
      await options.commit?.();
      commits.push(at);
    },
    budget,
    batchBytes: 10_000,
    batchAge: 60_000,
    clock: new ManualClock(),
    maxSpan: HALF_HOUR,
    maxWaiting: options.maxWaiting ?? 10,
    ...(options.onUncommitted ? { onUncommitted: options.onUncommitted } : {}),
    ...(options.refusedFrom === undefined ? {} : { refusedFrom: options.refusedFrom }),
  });
  const write = (text: string, seconds = 100, stream: 1 | 2 = 1) => {
    delivery.before(seconds);
    delivery.line(stream, seconds, 0, Buffer.from(text), 0, text.length);
    place++;
    delivery.after();
  };
  return { delivery, pushes, commits, write, budget };
}

const tick = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('the way of lines to Loki', () => {
  test('lines that Loki refused do not count as delivered, nor do their bytes', async () => {
    const { delivery, pushes, write } = setUp();
    for (const text of ['a', 'refused', 'bc']) write(text);
    const finished = delivery.finish();
    await tick();
    expect(delivery).toMatchObject({ lines: 0, bytes: 0 });
    pushes[0]!.settle({ accepted: 2, rejected: 1, rejectedBytes: 7 });
    await finished;
    expect(delivery).toMatchObject({ lines: 2, bytes: 3, rejected: 1, rejectedBytes: 7 });
  });

  describe('lines that are too new for Loki', () => {
    const tooNew = (isAllThatFollows: boolean) =>
      new LinesTooNew('web', 'a clock is wrong', { retryMs: 1000, isAllThatFollows });

    test('hold back the cursor, and what follows is sent all the same', async () => {
      const { delivery, pushes, commits, write } = setUp();
      for (const text of ['a', 'b', 'c']) {
        write(text);
        delivery.checkpoint();
      }
      const finished = delivery.finish();
      await tick();
      pushes[0]!.settle();
      await tick();
      const error = tooNew(false);
      pushes[1]!.fail(error);
      await tick();
      expect(pushes[2]!.signal.aborted).toBe(false);
      pushes[2]!.settle();
      await finished;
      expect(delivery.heldBack).toBe(error);
      expect(commits).toEqual([1]);
      expect(delivery).toMatchObject({ lines: 1, bytes: 1, rejected: 0 });
      expect(delivery.oldest).toBe(100n * NS_PER_SECOND);
    });

    test('what was sent beside them is in doubt, also what Loki takes later', async () => {
      const told: string[] = [];
      const { delivery, pushes, write } = setUp({ onUncommitted: () => told.push('uncommitted') });
      write('a', 100, 1);
      write('b', 100, 2);
      const finished = delivery.finish();
      await tick();
      pushes[0]!.fail(tooNew(true));
      await tick();
      told.push('accepted');
      pushes[1]!.settle();
      await finished;
      expect(told.at(-1)).toBe('uncommitted');
    });

    test('end the reading where all that follows would be too new', async () => {
      const { delivery, pushes, commits, write, budget } = setUp({ maxEntries: 1 });
      for (const text of ['a', 'b', 'c']) write(text);
      await tick();
      const error = tooNew(true);
      pushes[0]!.fail(error);
      await tick();
      await expect(delivery.pause()).rejects.toBe(error);
      await delivery.finish();
      expect([pushes.length, commits, budget.used]).toEqual([1, [], 0]);
    });

    test('what comes before the time from which they were refused is committed by itself', async () => {
      const { delivery, pushes, commits, write } = setUp({ refusedFrom: 102 });
      for (const seconds of [100, 101, 102, 101, 103]) write(String(seconds), seconds);
      const finished = delivery.finish();
      await tick();
      pushes[0]!.settle();
      await tick();
      pushes[1]!.fail(tooNew(false));
      await finished;
      expect(pushes.map(({ lines }) => lines)).toEqual([
        ['100', '101'],
        ['102', '101', '103'],
      ]);
      expect(commits).toEqual([2]);
    });
  });

  test('the oldest line that is not committed is known until it is', async () => {
    const { delivery, pushes, write } = setUp({ maxEntries: 1 });
    const seconds = () => (delivery.oldest === undefined ? undefined : delivery.oldest / NS_PER_SECOND);
    expect(seconds()).toBeUndefined();
    write('a', 102);
    expect(seconds()).toBe(102n);
    write('b', 101);
    write('c', 103);
    expect(seconds()).toBe(101n);
    const finished = delivery.finish();
    for (const left of [101n, 103n, undefined]) {
      await tick();
      pushes.shift()!.settle();
      await tick();
      expect(seconds()).toBe(left);
    }
    await finished;
  });

  test('a place is committed only when all batches up to it are settled, in order', async () => {
    const { delivery, pushes, commits, write } = setUp();
    write('a');
    delivery.checkpoint();
    write('b', 100, 2);
    delivery.checkpoint();
    await tick();
    expect(pushes.map((p) => p.lines)).toEqual([['a'], ['b']]);
    pushes[1]!.settle();
    await tick();
    expect(commits).toEqual([]);
    pushes[0]!.settle();
    await delivery.finish();
    expect(commits).toEqual([1, 2]);
  });

  test("a stream's batches go one after the other", async () => {
    const { delivery, pushes, write } = setUp();
    write('a');
    delivery.checkpoint();
    write('b');
    delivery.checkpoint();
    await tick();
    expect(pushes).toHaveLength(1);
    pushes[0]!.settle();
    await tick();
    expect(pushes.map((p) => p.lines)).toEqual([['a'], ['b']]);
    pushes[1]!.settle();
    await delivery.finish();
  });

  test('a batch that a replay could not send again is held back until the place before it is durable', async () => {
    let release: () => void = () => undefined;
    const durable = new Promise<void>((resolve) => (release = resolve));
    const { delivery, pushes, write } = setUp({ commit: () => durable });
    write('old', 1000);
    write('an hour later', 4700);
    delivery.checkpoint();
    await tick();
    expect(pushes.map((p) => p.lines)).toEqual([['old']]);
    pushes[0]!.settle();
    await tick();
    // Acknowledged, but a crash now would send `old` again, too far behind what came after it.
    expect(pushes).toHaveLength(1);
    release();
    await tick();
    expect(pushes.map((p) => p.lines)).toEqual([['old'], ['an hour later']]);
    pushes[1]!.settle();
    await delivery.finish();
  });

  test('a batch that is full in the middle of an entry is committed at the entry’s end', async () => {
    const { delivery, pushes, commits, write } = setUp({ maxEntries: 2 });
    for (const text of ['a', 'b', 'c']) write(text);
    await tick();
    pushes[0]!.settle();
    await tick();
    pushes[1]!.settle();
    await delivery.finish();
    expect(pushes.map((p) => p.lines)).toEqual([['a', 'b'], ['c']]);
    expect(commits).toEqual([3]);
  });

  test('a push that fails ends the delivery, and nothing behind it is committed', async () => {
    const { delivery, pushes, commits, write } = setUp();
    write('a');
    delivery.checkpoint();
    write('b');
    delivery.checkpoint();
    await tick();
    pushes[0]!.fail(new Error('given up'));
    await expect(delivery.finish()).rejects.toThrow('given up');
    await expect(delivery.pause()).rejects.toThrow('given up');
    expect(commits).toEqual([]);
    expect(pushes).toHaveLength(1);
  });

  describe('when something fails, the pushes under way are aborted and waited for', () => {
    const state = async (promise: Promise<void>): Promise<() => string> => {
      let now = 'pending';
      promise.then(
        () => (now = 'resolved'),
        (error: unknown) => (now = (error as Error).message),
      );
      await tick();
      return () => now;
    };

    test('a push of the other stream', async () => {
      const { delivery, pushes, commits, write } = setUp();
      write('out');
      write('err', 100, 2);
      const finished = await state(delivery.finish());
      pushes[0]!.fail(new Error('given up'));
      await tick();
      expect(pushes[1]!.signal.aborted).toBe(true);
      expect(finished()).toBe('pending');
      pushes[1]!.fail(new Error('aborted'));
      await tick();
      expect(finished()).toBe('given up');
      expect(commits).toEqual([]);
    });

    test('a place that cannot be committed; what waits for its turn is not sent any more', async () => {
      let disk = (): Promise<void> => Promise.reject(new Error('the disk is full'));
      const { delivery, pushes, commits, write, budget } = setUp({ commit: () => disk() });
      write('a');
      delivery.checkpoint();
      write('b');
      delivery.checkpoint();
      write('c');
      delivery.checkpoint();
      const finished = await state(delivery.finish());
      pushes[0]!.settle();
      await tick();
      expect(pushes.map((p) => p.lines)).toEqual([['a'], ['b']]);
      expect(pushes[1]!.signal.aborted).toBe(true);
      expect(finished()).toBe('pending');
      // It got through all the same: nothing after a place that is not durable is committed.
      disk = () => Promise.resolve();
      pushes[1]!.settle();
      await tick();
      expect(finished()).toBe('the disk is full');
      expect(pushes).toHaveLength(2);
      expect(commits).toEqual([]);
      expect(budget.used).toBe(0);
    });

    test('a place before it that is being committed is waited for, and stays', async () => {
      let written = (): void => undefined;
      const { delivery, pushes, commits, write } = setUp({
        commit: () => new Promise((resolve) => (written = resolve)),
      });
      write('a');
      delivery.checkpoint();
      await tick();
      pushes[0]!.settle();
      await tick();
      write('b');
      const finished = await state(delivery.finish());
      pushes[1]!.fail(new Error('given up'));
      await tick();
      expect(finished()).toBe('pending');
      written();
      await tick();
      expect(finished()).toBe('given up');
      expect(commits).toEqual([1]);
    });

    test('what was given up by its reader', async () => {
      const { delivery, pushes, write, budget } = setUp({ maxEntries: 1 });
      write('a');
      write('b');
      await tick();
      const given = await state(delivery.giveUp(new Error('a fault of the reader')));
      expect(pushes[0]!.signal.aborted).toBe(true);
      expect(given()).toBe('pending');
      pushes[0]!.fail(new Error('aborted'));
      await tick();
      expect(given()).toBe('resolved');
      expect(budget.used).toBe(0);
      await expect(delivery.finish()).rejects.toThrow('a fault of the reader');
    });
  });

  test('the reader pauses while too much waits for Loki, and goes on when some of it is acknowledged', async () => {
    const { delivery, pushes, write } = setUp({ maxWaiting: 2 });
    write('a');
    expect(delivery.pause()).toBeUndefined();
    delivery.checkpoint();
    write('b');
    delivery.checkpoint();
    let resumed = false;
    const paused = delivery.pause()!.then(() => (resumed = true));
    await tick();
    expect(resumed).toBe(false);
    pushes[0]!.settle();
    await paused;
    await tick();
    pushes[1]!.settle();
    await delivery.finish();
  });

  test('a reader that waits for memory first sends what it holds itself', async () => {
    const budget = new MemoryBudget(10);
    budget.take(10);
    const { delivery, pushes, write } = setUp({ budget });
    write('held');
    const paused = delivery.pause();
    await tick();
    expect(pushes.map((p) => p.lines)).toEqual([['held']]);
    budget.give(10);
    pushes[0]!.settle();
    await paused;
    await delivery.finish();
    expect(budget.used).toBe(0);
  });

  test('a place without lines (a chunk of an open line) is committed too, once', async () => {
    const { delivery, commits } = setUp();
    delivery.after();
    await delivery.finish();
    await delivery.finish();
    expect(commits).toEqual([0]);
  });
});

describe('what may have been sent without the place being committed', () => {
  const setUpTold = () => {
    let told = 0;
    const onUncommitted = () => {
      told++;
    };
    return { told: () => told, onUncommitted };
  };

  test('is told once when a push fails', async () => {
    const { told, onUncommitted } = setUpTold();
    const { delivery, pushes, write } = setUp({ onUncommitted });
    write('one');
    delivery.checkpoint();
    write('two');
    const finished = delivery.finish();
    await tick();
    expect(told()).toBe(0);
    pushes[0]!.fail(new Error('no'));
    await expect(finished).rejects.toThrow('no');
    await tick();
    expect(told()).toBe(1);
  });

  test('is told when the place cannot be written', async () => {
    const { told, onUncommitted } = setUpTold();
    const commit = () => Promise.reject(new Error('disk full'));
    const { delivery, pushes, write } = setUp({ onUncommitted, commit });
    write('one');
    const finished = delivery.finish();
    await tick();
    pushes[0]!.settle();
    await expect(finished).rejects.toThrow('disk full');
    expect(told()).toBe(1);
  });

  test('is nothing when all was committed', async () => {
    const { told, onUncommitted } = setUpTold();
    const { delivery, pushes, write } = setUp({ onUncommitted });
    write('one');
    const finished = delivery.finish();
    await tick();
    pushes[0]!.settle();
    await finished;
    expect(told()).toBe(0);
  });
});
