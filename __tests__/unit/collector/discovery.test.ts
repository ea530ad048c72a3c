import { Discovery } from '../../../src/collector/discovery.js';
import type { ContainerEvent, Engine, EventsAnswer } from '../../../src/collector/engine.js';
import { Fleet } from '../../../src/collector/fleet.js';
import { malformedItem, type MalformedItem } from '../../../src/docker/malformed.js';
import type { ContainerSummary } from '../../../src/model/container.js';
import { PollardError } from '../../../src/model/errors.js';
import { summaryOf } from '../../support/any-container.js';
import { ManualClock, settle } from '../../support/manual-clock.js';
import { recordingObserver } from '../../support/recording-observer.js';

const NOTHING: EventsAnswer = { events: [], overrun: false, relist: false };
const event = (action: ContainerEvent['action'], of: ContainerSummary): ContainerEvent => ({
  action,
  containerId: of.id,
  at: of.created,
  container: of,
});
const fails = (code: string) => new PollardError(code, `${code} it is`);

function setUp({ eventsInterval = 1000 } = {}) {
  const clock = new ManualClock();
  const observer = recordingObserver();
  const fleet = new Fleet({
    clock,
    selects: ({ id }) => id !== '9',
    cursorOf: () => undefined,
    cursors: () => [],
    forgetCursor: async () => undefined,
    completeCursor: () => undefined,
    reopenCursor: () => undefined,
    observer,
    watchSince: clock.now(),
    forgetAfter: 1000,
  });
  const asked: string[] = [];
  /** What a list waits for. */
  const slow: { list: Promise<void> | undefined } = { list: undefined };
  /** What the Engine answers next; at last nothing, and what there is. */
  const answers: (EventsAnswer | Error)[] = [];
  let lists: (readonly ContainerSummary[] | Error)[] = [];
  let present: readonly ContainerSummary[] = [];
  /** Entries of the list that cannot be understood. */
  const malformed: MalformedItem[] = [];
  const engine: Engine = {
    list: async (_signal, onSkipped) => {
      asked.push('list');
      malformed.forEach((item) => onSkipped?.(item));
      await slow.list;
      const next = lists.shift() ?? present;
      if (next instanceof Error) throw next;
      return [...next];
    },
    inspect: async () => {
      throw new Error('not asked for here');
    },
    events: async () => {
      asked.push('events');
      const next = answers.shift() ?? NOTHING;
      if (next instanceof Error) throw next;
      return next;
    },
  };
  let changes = 0;
  let healthy = 0;
  const discovery = new Discovery({
    engine,
    fleet,
    clock,
    observer: { ...observer, discoverySucceeded: () => healthy++ },
    listInterval: 30_000,
    eventsInterval,
    onChange: () => changes++,
  });
  const stop = new AbortController();
  return {
    clock,
    observer,
    fleet,
    discovery,
    stop,
    answers,
    malformed,
    /** What was asked since the last call. */
    asked: () => asked.splice(0),
    changes: () => changes,
    /** From now on a list does not come. Returns how it comes, with what there was when it was asked for. */
    listsHang: (...containers: ContainerSummary[]): (() => void) => {
      let answer = (): void => undefined;
      slow.list = new Promise((resolve) => (answer = resolve));
      lists = [containers];
      return () => {
        slow.list = undefined;
        answer();
      };
    },
    healthy: () => healthy,
    listsFail: (...errors: Error[]) => (lists = errors),
    there: (...containers: ContainerSummary[]) => (present = containers),
    step: async () => await discovery.step(stop.signal),
  };
}

const one = summaryOf({ id: '1', name: 'one' });
const two = summaryOf({ id: '2', name: 'two' });
const passedOver = summaryOf({ id: '9', name: 'passed over' });

describe('finding containers', () => {
  test('first the events, so that none falls between, then the list', async () => {
    const { there, step, asked, fleet, discovery, changes, healthy } = setUp();
    there(one);
    expect(discovery.listed).toBe(false);
    await step();
    expect(asked()).toEqual(['events', 'list']);
    expect(discovery.listed).toBe(true);
    expect(fleet.get('1')).toBeDefined();
    expect([changes(), healthy()]).toEqual([1, 1]);
  });

  test('after it only the events, until the list’s own time has come', async () => {
    const { step, asked, clock } = setUp();
    await step();
    asked();
    for (let n = 0; n < 29; n++) {
      await clock.pass(1000);
      await step();
    }
    expect(new Set(asked())).toEqual(new Set(['events']));
    await clock.pass(1000);
    await step();
    expect(asked()).toEqual(['events', 'list']);
  });

  test('an event tells of a container at once', async () => {
    const { step, asked, answers, fleet, changes } = setUp();
    await step();
    asked();
    answers.push({ ...NOTHING, events: [event('start', two)] });
    await step();
    expect(fleet.get('2')).toMatchObject({ life: 'active' });
    expect(asked()).toEqual(['events']);
    expect(changes()).toBe(2);
  });

  test.each<[string, Partial<EventsAnswer>, string[]]>([
    ['events are missing', { overrun: true, relist: true }, ['events overrun']],
    ['that none is missing is not proven', { relist: true }, []],
    ['a container was renamed', { events: [event('rename', one)] }, []],
  ])('%s: all is listed again', async (_, answer, told) => {
    const { step, asked, answers, observer, there, fleet } = setUp();
    there(one);
    await step();
    asked();
    observer.told.length = 0;
    there({ ...one, name: 'uno' });
    answers.push({ ...NOTHING, ...answer });
    await step();
    expect(asked()).toEqual(['events', 'list']);
    expect(fleet.get('1')?.summary.name).toBe('uno');
    expect(observer.told).toEqual(told);
    await step();
    expect(asked()).toEqual(['events']);
  });
});

test('what cannot be understood is reported, and the rest goes on', async () => {
  const { there, step, answers, fleet, observer, malformed, discovery, asked } = setUp();
  there(one);
  malformed.push(malformedItem('container', 'ctr-2', 'Id: is of another form', '{}'));
  await step();
  expect(discovery.listed).toBe(true);
  expect(fleet.get('1')).toMatchObject({ life: 'active' });
  there(one, two);
  const skipped = [malformedItem('event', undefined, 'is no JSON object', '{')];
  answers.push({ ...NOTHING, events: [event('start', two)], relist: true, skipped });
  asked();
  await step();
  expect(fleet.get('2')).toMatchObject({ life: 'active' });
  expect(asked()).toEqual(['events', 'list']);
  expect(observer.told.filter((told) => told.startsWith('malformed'))).toEqual([
    'malformed container: Id: is of another form',
    'malformed event: is no JSON object',
    'malformed container: Id: is of another form',
  ]);
});

describe('while a list takes long', () => {
  test('events are looked at all the same, and a list that is older than one does not undo it', async () => {
    const { listsHang, answers, clock, discovery, stop, asked, fleet, there, changes, healthy } = setUp();
    there(one);
    const ended = discovery.run(stop.signal);
    await clock.pass(29_500);
    asked();
    const before = [changes(), healthy()];
    const answer = listsHang(one, two);
    await clock.pass(2000);
    expect(asked()).toEqual(['events', 'list', 'events']);

    const three = summaryOf({ id: '3', name: 'three' });
    there(one, three);
    answers.push({ ...NOTHING, events: [event('start', three)] });
    await clock.pass(1000);
    expect(fleet.get('3')).toMatchObject({ life: 'active' });
    expect(changes()).toBe((before[0] as number) + 1);
    // That events come does not say that all is well.
    expect(healthy()).toBe(before[1]);

    // The Engine says 404 for one that the list still shows, because it is older.
    fleet.removed(fleet.get('1')!);
    answer();
    await clock.pass(0);
    expect([...fleet.states()].map(({ summary, life }) => [summary.id, life])).toEqual([
      ['1', 'gone'],
      ['3', 'active'],
      ['2', 'active'],
    ]);
    expect(healthy()).toBe((before[1] as number) + 1);
    stop.abort();
    await ended;
  });

  test('it is one at a time, and what it may not show is listed again behind it', async () => {
    const { listsHang, answers, clock, discovery, stop, asked } = setUp();
    const ended = discovery.run(stop.signal);
    await clock.pass(29_500);
    asked();
    const answer = listsHang();
    answers.push(NOTHING, { ...NOTHING, relist: true });
    await clock.pass(40_000);
    expect(asked().filter((what) => what === 'list')).toHaveLength(1);
    answer();
    await clock.pass(1000);
    expect(asked().filter((what) => what === 'list')).toHaveLength(1);
    stop.abort();
    await ended;
  });
});

describe('when the Engine cannot be asked', () => {
  test('it is away: told, the list not tried, and all listed as soon as it is back', async () => {
    const { step, asked, answers, observer, discovery, clock, healthy } = setUp();
    answers.push(fails('engine_unreachable'));
    await step();
    expect(asked()).toEqual(['events']);
    expect(observer.told).toEqual(['discovery failed: engine_unreachable it is']);
    expect([discovery.listed, healthy()]).toEqual([false, 0]);
    await step();
    expect(asked()).toEqual(['events', 'list']);

    answers.push(fails('engine_reset'), new Error('anything'));
    await clock.pass(1000);
    await step();
    await step();
    expect(asked()).toEqual(['events', 'events']);
    await step();
    expect(asked()).toEqual(['events', 'list']);
    expect(healthy()).toBe(2);
  });

  test('the list fails: asked for again at the next look, and what was found stays', async () => {
    const { step, asked, listsFail, observer, there, fleet, answers } = setUp();
    there(one);
    await step();
    asked();
    observer.told.length = 0;
    listsFail(fails('engine_timeout'));
    answers.push({ ...NOTHING, relist: true });
    await step();
    expect(observer.told).toEqual(['discovery failed: engine_timeout it is']);
    expect(fleet.get('1')).toMatchObject({ life: 'active' });
    await step();
    expect(asked()).toEqual(['events', 'list', 'events', 'list']);
  });

  test('the events are refused, by a proxy: containers are found by the list at its own pace', async () => {
    const { step, asked, answers, observer, there, fleet, clock, changes } = setUp();
    there(one);
    for (let n = 0; n <= 60; n++) answers.push(fails('engine_permission'));
    for (let n = 0; n < 60; n++) {
      await step();
      await clock.pass(1000);
      if (n === 10) there(one, two);
    }
    expect(asked().filter((what) => what === 'list')).toHaveLength(2);
    expect(fleet.get('1')).toBeDefined();
    expect(fleet.get('2')).toBeDefined();
    expect(changes()).toBe(60);
    expect(
      observer.told.filter((line) => line.startsWith('discovery failed: engine_permission')),
    ).toHaveLength(60);
    // Once they are answered, what may have been missed is listed at once.
    answers.length = 0;
    await step();
    expect(asked()).toEqual(['events', 'list']);
  });

  test('given up because the process ends: no failure', async () => {
    const { step, answers, observer, stop, listsFail } = setUp();
    stop.abort(new Error('stopping'));
    answers.push(fails('engine_reset'));
    await step();
    answers.push(fails('engine_permission'));
    await step();
    listsFail(new Error('stopping'));
    await step();
    expect(observer.told).toEqual([]);
  });
});

test('the clock of this machine was set: told, and every container is looked at closely', async () => {
  const { step, clock, observer, there, fleet } = setUp();
  there(one);
  await step();
  fleet.get('1')!.idlePolls = 7;
  await clock.pass(1000);
  await step();
  expect(fleet.get('1')!.idlePolls).toBe(7);
  observer.told.length = 0;
  clock.step(-60_000);
  await step();
  expect(observer.told).toEqual(['clock stepped -60000']);
  expect(fleet.get('1')!.idlePolls).toBe(0);
  await step();
  expect(observer.told).toHaveLength(1);
});

test('runs look after look until it is stopped, and leaves nothing with the signal', async () => {
  const { discovery, clock, asked, stop, answers } = setUp();
  answers.push(NOTHING, fails('engine_reset'));
  const ended = discovery.run(stop.signal);
  await clock.pass(2500);
  expect(asked()).toEqual(['events', 'list', 'events', 'events', 'list']);
  stop.abort();
  await ended;
  await settle();
  expect(asked()).toEqual([]);
});

describe('when events are missing at each look', () => {
  const OVERRUN: EventsAnswer = { ...NOTHING, overrun: true, relist: true };

  test('all is listed at once, and then once in a sixth of the list’s own time', async () => {
    const { discovery, stop, there, answers, clock, asked } = setUp();
    there(one);
    answers.push(NOTHING, ...Array<EventsAnswer>(100).fill({ ...OVERRUN, events: [event('other', one)] }));
    const ended = discovery.run(stop.signal);
    const lists: number[] = [];
    for (let second = 0; second < 24; second++) {
      await clock.pass(second === 0 ? 0 : 1000);
      if (asked().includes('list')) lists.push(second);
    }
    expect(lists).toEqual([0, 1, 6, 11, 16, 21]);
    stop.abort();
    await ended;
  });

  test('a list that takes long is not followed by another at once', async () => {
    const { discovery, stop, answers, clock, asked, listsHang } = setUp();
    answers.push(NOTHING, ...Array<EventsAnswer>(100).fill(OVERRUN));
    const ended = discovery.run(stop.signal);
    await clock.pass(500);
    const answer = listsHang();
    await clock.pass(8000);
    asked();
    answer();
    await clock.pass(4000);
    expect(asked()).not.toContain('list');
    await clock.pass(2000);
    expect(asked()).toContain('list');
    stop.abort();
    await ended;
  });

  test.each<[string, ContainerEvent, boolean]>([
    ['a container that is not known', event('other', two), true],
    ['a container that was made, and is not known', event('create', two), true],
    ['a container that is known', event('other', one), false],
    ['a container that is not collected', event('other', passedOver), false],
    ['a container that is removed', event('destroy', two), false],
    ['a container whose start tells all', event('start', two), false],
  ])('an event of %s: all is listed at once or in its time', async (_, told, atOnce) => {
    const { step, there, answers, asked } = setUp();
    there(one, passedOver);
    answers.push(NOTHING, OVERRUN, { ...OVERRUN, events: [told] });
    await step();
    await step();
    asked();
    await step();
    expect(asked()).toEqual(atOnce ? ['events', 'list'] : ['events']);
  });
});

describe('the pace of the events', () => {
  /** How many times the events are asked for in so many ms. */
  const asks = async ({ clock, asked }: ReturnType<typeof setUp>, ms: number): Promise<number> => {
    asked();
    await clock.pass(ms);
    return asked().filter((what) => what === 'events').length;
  };

  test('nothing runs and no event comes for minutes: asked every 5 s, and every second from the first event on', async () => {
    const world = setUp();
    const { discovery, stop, answers, there } = world;
    there({ ...one, state: 'created' });
    const ended = discovery.run(stop.signal);
    expect(await asks(world, 299_500)).toBe(299);
    expect(await asks(world, 60_000)).toBe(12);
    answers.push({ ...NOTHING, events: [event('other', two)] });
    await asks(world, 5000);
    expect(await asks(world, 10_000)).toBe(10);
    // It is not over at once.
    expect(await asks(world, 240_000)).toBe(240);
    stop.abort();
    await ended;
  });

  test('a container runs: asked every second for ever, and every 5 s for long after it has ended', async () => {
    const world = setUp();
    const { discovery, stop, there, fleet } = world;
    there(one);
    const ended = discovery.run(stop.signal);
    await asks(world, 3_600_500);
    expect(await asks(world, 60_000)).toBe(60);
    fleet.get('1')!.life = 'drained';
    expect(await asks(world, 299_000)).toBe(299);
    await asks(world, 6000);
    expect(await asks(world, 60_000)).toBe(12);
    stop.abort();
    await ended;
  });

  test.each<[string, (world: ReturnType<typeof setUp>) => void]>([
    ['the events', ({ answers }) => answers.push(...Array<Error>(100).fill(fails('engine_permission')))],
    ['the list', ({ listsFail }) => listsFail(...Array<Error>(100).fill(fails('engine_permission')))],
  ])('%s are refused: asked every 5 s', async (_, refuse) => {
    const world = setUp();
    const { discovery, stop, there } = world;
    there(one);
    refuse(world);
    const ended = discovery.run(stop.signal);
    await asks(world, 500);
    expect(await asks(world, 60_000)).toBe(12);
    stop.abort();
    await ended;
  });

  test('an interval that is longer stays as it is', async () => {
    const world = setUp({ eventsInterval: 60_000 });
    const { discovery, stop } = world;
    const ended = discovery.run(stop.signal);
    await asks(world, 3_600_500);
    expect(await asks(world, 600_000)).toBe(10);
    stop.abort();
    await ended;
  });
});

test('the list is refused: not ready until it is let through again', async () => {
  const { discovery, step, listsFail, clock } = setUp();
  await step();
  expect(discovery.isAway).toBe(false);
  await clock.pass(30_000);
  listsFail(fails('engine_permission'), fails('engine_permission'));
  await step();
  expect(discovery.isAway).toBe(true);
  await step();
  expect(discovery.isAway).toBe(true);
  await step();
  expect(discovery.isAway).toBe(false);
});

test('after a fault of its own the list that is under way is waited for, and then it is thrown', async () => {
  const { discovery, clock, stop, listsHang, fleet } = setUp();
  const answer = listsHang(one);
  let thrown: Error | undefined;
  discovery.run(stop.signal).catch((error: unknown) => (thrown = error as Error));
  await clock.pass(0);
  // The clock is looked at outside of what may fail.
  fleet.clockStepped = () => {
    throw new Error('a fault');
  };
  clock.step(-60_000);
  await clock.pass(2000);
  expect(thrown).toBeUndefined();
  answer();
  await settle();
  expect(thrown?.message).toBe('a fault');
});
