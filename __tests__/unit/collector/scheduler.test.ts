import { Fleet } from '../../../src/collector/fleet.js';
import { LokiGate } from '../../../src/collector/loki-gate.js';
import { LogAccess } from '../../../src/collector/log-access.js';
import type { PollRunner } from '../../../src/collector/poll-runner.js';
import { Scheduler } from '../../../src/collector/scheduler.js';
import type { ContainerState } from '../../../src/collector/container-state.js';
import { ManualClock, settle } from '../../support/manual-clock.js';
import { recordingObserver } from '../../support/recording-observer.js';

function setUp(count: number, concurrency = 2, interval = 5000, outOfTime: ReadonlySet<string> = new Set()) {
  const clock = new ManualClock();
  const completed: string[] = [];
  const fleet = new Fleet({
    clock,
    selects: () => true,
    cursorOf: () => undefined,
    cursors: () => [],
    forgetCursor: async () => undefined,
    completeCursor: (id) => completed.push(id),
    reopenCursor: () => undefined,
    observer: recordingObserver(),
    watchSince: 0n,
    forgetAfter: 1000,
  });
  fleet.listed(
    Array.from({ length: count }, (_, i) => ({
      id: `c${i}`,
      name: `c${i}`,
      image: '',
      labels: {},
      state: 'running',
      created: 0n,
    })),
  );
  for (const state of fleet.states()) state.outOfTime = outOfTime.has(state.summary.id);
  const polls: { id: string; signal: AbortSignal; done: () => void; breaks: (error: Error) => void }[] = [];
  const runner = {
    run: (state: ContainerState, signal: AbortSignal) =>
      new Promise<undefined>((resolve, reject) => {
        let over = false;
        polls.push({
          id: state.summary.id,
          signal,
          breaks: reject,
          done: () => {
            if (over) return;
            over = true;
            state.dueAt = clock.monotonic() + interval;
            resolve(undefined);
          },
        });
      }),
  } as unknown as PollRunner;
  const gate = new LokiGate(1000);
  const access = new LogAccess({
    clock,
    observer: recordingObserver(),
    states: () => fleet.states(),
    firstPause: 5000,
  });
  const broken: string[] = [];
  const scheduler = new Scheduler({
    clock,
    fleet,
    runner,
    gate,
    access,
    concurrency,
    onBroken: ({ name }, error) => broken.push(`${name}: ${error.message}`),
  });
  const stop = new AbortController();
  const ended = scheduler.run(stop.signal);
  return { clock, fleet, polls, gate, access, scheduler, stop, ended, broken, completed };
}

describe('the scheduler', () => {
  test('polls what is due, no more than the pool takes', async () => {
    const { polls, scheduler, stop, ended, clock } = setUp(5);
    await clock.pass(0);
    expect(polls.map((p) => p.id)).toEqual(['c0', 'c1']);
    expect(scheduler.active).toBe(2);
    polls[0]!.done();
    await settle();
    expect(polls.map((p) => p.id)).toEqual(['c0', 'c1', 'c2']);
    stop.abort();
    for (const poll of polls) poll.done();
    await ended;
  });

  test('a poll still running when its container is due again is not started twice', async () => {
    const { polls, stop, ended, clock } = setUp(1);
    await clock.pass(60_000);
    expect(polls).toHaveLength(1);
    polls[0]!.done();
    await clock.pass(6_000);
    expect(polls).toHaveLength(2);
    stop.abort();
    polls[1]!.done();
    await ended;
  });

  test('one that is due again within less than the longest sleep is polled when it is due', async () => {
    const { polls, stop, ended, clock } = setUp(1, 2, 100);
    await clock.pass(0);
    polls[0]!.done();
    await clock.pass(99);
    expect(polls).toHaveLength(1);
    await clock.pass(1);
    expect(polls).toHaveLength(2);
    polls[1]!.done();
    await clock.pass(100);
    expect(polls).toHaveLength(3);
    stop.abort();
    for (const poll of polls) poll.done();
    await ended;
  });

  test('one that is removed in the middle of its poll is done with when the poll is over', async () => {
    const { polls, fleet, stop, ended, clock, completed } = setUp(1);
    await clock.pass(0);
    fleet.listed([]);
    expect(completed).toEqual([]);
    polls[0]!.done();
    await settle();
    expect(completed).toEqual(['c0']);
    stop.abort();
    await ended;
  });

  test('while all logs are refused one is polled now and then, and all of them once it is answered', async () => {
    const { polls, fleet, access, stop, ended, clock } = setUp(30, 30, 0);
    const refuse = (id: string, done: () => void): void => {
      access.refused(fleet.get(id)!, new Error('refused'));
      done();
    };
    await clock.pass(0);
    expect(polls).toHaveLength(30);
    const first = polls.splice(0);
    for (const { id, done } of first) refuse(id, done);
    const probes: string[] = [];
    for (let second = 0; second < 180; second++) {
      await clock.pass(1000);
      for (const { id, done } of polls.splice(0)) {
        probes.push(id);
        refuse(id, done);
      }
    }
    // At 5, 15, 35 s, and then every 30 s: another one each time.
    expect(probes).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6']);
    await clock.pass(30_000);
    const [probe, ...others] = polls.splice(0);
    expect(others).toEqual([]);
    access.answered(probe!.id);
    probe!.done();
    await clock.pass(0);
    expect(polls).toHaveLength(30);
    stop.abort();
    for (const poll of polls) poll.done();
    await ended;
  });

  test('what waits in the queue when it turns out that all are refused is not polled', async () => {
    const { polls, fleet, access, stop, ended, clock } = setUp(2, 1, 0);
    const refuseNext = (): void => {
      const { id, done } = polls.at(-1)!;
      access.refused(fleet.get(id)!, new Error('refused'));
      done();
    };
    await clock.pass(0);
    refuseNext();
    // It is due again, and waits for the other one.
    await clock.pass(100);
    refuseNext();
    await clock.pass(4000);
    expect(polls.map(({ id }) => id)).toEqual(['c0', 'c1']);
    await clock.pass(1000);
    expect(polls.map(({ id }) => id)).toEqual(['c0', 'c1', 'c0']);
    stop.abort();
    for (const poll of polls) poll.done();
    await ended;
  });

  test('one that hangs holds its own place and delays no other beyond it', async () => {
    const { polls, stop, ended, clock } = setUp(4);
    await clock.pass(0);
    for (let round = 0; round < 20; round++) {
      for (const poll of polls) if (poll.id !== 'c0') poll.done();
      await clock.pass(1_000);
    }
    const count = (id: string) => polls.filter((p) => p.id === id).length;
    expect(count('c0')).toBe(1);
    for (const id of ['c1', 'c2', 'c3']) expect(count(id)).toBeGreaterThan(2);
    stop.abort();
    for (const poll of polls) poll.done();
    await ended;
  });

  test('those that ran out of time hold half of the pool at most, however many they are', async () => {
    const hanging = new Set(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7']);
    const { polls, stop, ended, clock } = setUp(12, 4, 5000, hanging);
    await clock.pass(0);
    for (let round = 0; round < 20; round++) {
      for (const poll of polls) if (!hanging.has(poll.id)) poll.done();
      await clock.pass(1_000);
    }
    const count = (id: string) => polls.filter((p) => p.id === id).length;
    expect([...hanging].map(count)).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
    for (const id of ['c8', 'c9', 'c10', 'c11']) expect(count(id)).toBeGreaterThan(2);
    // Each of them has its turn, too.
    for (let round = 0; round < 8; round++) {
      for (const poll of polls) poll.done();
      await clock.pass(1_000);
    }
    for (const id of hanging) expect(count(id)).toBeGreaterThan(0);
    stop.abort();
    for (const poll of polls) poll.done();
    await clock.pass(0);
    for (const poll of polls) poll.done();
    await ended;
  });

  test('a poll that rejects is told and tried again later; the others and the end do not mind', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    const { polls, fleet, stop, ended, clock, broken } = setUp(2);
    await clock.pass(0);
    polls[0]!.breaks(new Error('never promised'));
    polls[1]!.done();
    await clock.pass(1_000);
    expect(broken).toEqual(['c0: never promised']);
    expect(fleet.get('c0')).toMatchObject({ busy: false, lastError: { message: 'never promised' } });
    // Not again and again at once.
    expect(polls.filter((p) => p.id === 'c0')).toHaveLength(1);
    await clock.pass(5_000);
    expect(polls.filter((p) => p.id === 'c1')).toHaveLength(2);
    await clock.pass(5_000);
    expect(polls.filter((p) => p.id === 'c0')).toHaveLength(2);
    stop.abort();
    for (const poll of polls) {
      poll.breaks(new Error('at the end'));
      poll.done();
    }
    await ended;
    await settle();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(broken).toContain('c0: at the end');
  });

  test('while Loki is away nothing is started, and on its return all that is due', async () => {
    const { polls, gate, stop, ended, clock } = setUp(2);
    gate.close();
    await clock.pass(0);
    // What was due before the gate closed may have been queued; it is not begun.
    expect(polls.filter((p) => !p.signal.aborted)).toHaveLength(0);
    await clock.pass(60_000);
    expect(polls).toHaveLength(0);
    gate.open();
    await clock.pass(2_000);
    expect(polls.length).toBeGreaterThan(0);
    stop.abort();
    for (const poll of polls) poll.done();
    await ended;
  });

  test('at the end the reading is stopped, what waits is not begun, and what runs is waited for', async () => {
    const { polls, stop, ended, clock } = setUp(3, 1);
    await clock.pass(0);
    stop.abort();
    expect(polls[0]!.signal.aborted).toBe(true);
    let over = false;
    void ended.then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    polls[0]!.done();
    await ended;
    expect(polls).toHaveLength(1);
  });

  test('after a fault of its own the polls under way are stopped and waited for, and then it is thrown', async () => {
    const { polls, ended, clock, fleet, scheduler } = setUp(1);
    let thrown: Error | undefined;
    ended.catch((error: unknown) => (thrown = error as Error));
    await clock.pass(0);
    expect(polls).toHaveLength(1);
    fleet.states = () => {
      throw new Error('a fault');
    };
    scheduler.wake();
    await settle();
    expect(polls[0]!.signal.aborted).toBe(true);
    expect(thrown).toBeUndefined();
    polls[0]!.done();
    await settle();
    expect(thrown?.message).toBe('a fault');
  });
});
