import { Fleet } from '../../../src/collector/fleet.js';
import { grown, readToEnd } from '../../../src/collector/after-end.js';
import { Moment } from '../../../src/collector/moment.js';
import type { ContainerEvent } from '../../../src/collector/engine.js';
import type { ContainerSummary, InspectedContainer } from '../../../src/model/container.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { ManualClock } from '../../support/manual-clock.js';
import { recordingObserver } from '../../support/recording-observer.js';

const clock = () => new ManualClock();
const START = 1_700_000_000_000_000_000n;

function container(id: string, overrides: Partial<ContainerSummary> = {}): ContainerSummary {
  return {
    id,
    name: `name-${id}`,
    image: 'i',
    labels: {},
    state: 'running',
    created: START - 10n ** 12n,
    ...overrides,
  };
}

function event(action: ContainerEvent['action'], of: ContainerSummary, at = START): ContainerEvent {
  return { action, containerId: of.id, at, container: of };
}

/** A moment at this time of the wall clock. */
function momentAt(stamp: bigint): Moment {
  return new Moment(new ManualClock(stamp));
}

const AN_END = { logDriver: 'json-file', finishedAt: START, diedAt: undefined };

function cursorOf(id: string): Cursor {
  return {
    containerId: id,
    containerName: `name-${id}`,
    anchor: [{ stamp: START - 5n, stream: 'stdout', hash: '0'.repeat(16) }],
    open: [],
    moved: {},
    committedAt: START,
  };
}

function setUp(options: { cursors?: Cursor[]; selects?: (c: ContainerSummary) => boolean } = {}) {
  const time = clock();
  const observer = recordingObserver();
  const forgotten: string[] = [];
  const completed: string[] = [];
  const reopened: string[] = [];
  const cursors = new Map((options.cursors ?? []).map((c) => [c.containerId, c]));
  const fleet = new Fleet({
    clock: time,
    selects: options.selects ?? (() => true),
    cursorOf: (id) => cursors.get(id),
    cursors: () => cursors.values(),
    forgetCursor: async (id) => {
      forgotten.push(id);
    },
    completeCursor: (id) => completed.push(id),
    reopenCursor: (id) => reopened.push(id),
    observer,
    watchSince: START,
    forgetAfter: 3_600_000,
  });
  return { fleet, observer, forgotten, completed, reopened, time };
}

describe('the fleet', () => {
  test('takes up what the list shows, and polls it at once', () => {
    const { fleet } = setUp();
    fleet.listed([container('a')]);
    expect(fleet.get('a')).toMatchObject({ life: 'active', dueAt: 0, bornUnderWatch: false });
  });

  test('leaves alone what is not selected', () => {
    const { fleet } = setUp({ selects: (c) => c.labels['pollard.enabled'] !== 'false' });
    fleet.listed([container('a', { labels: { 'pollard.enabled': 'false' } })]);
    fleet.event(event('start', container('a', { labels: { 'pollard.enabled': 'false' } })));
    expect(fleet.size).toBe(0);
  });

  test('a container that was never started has no log', () => {
    const { fleet } = setUp();
    const created = container('a', { state: 'created' });
    fleet.listed([created]);
    expect(fleet.get('a')!.life).toBe('waiting');
    fleet.event(event('start', created));
    expect(fleet.get('a')!.life).toBe('active');
  });

  test('a container born after the watch began is read from its beginning', () => {
    const { fleet } = setUp();
    fleet.event(event('start', container('a', { created: START + 5n })));
    expect(fleet.get('a')!.bornUnderWatch).toBe(true);
  });

  test('came and went between two looks: counted and named, once', () => {
    const { fleet, observer } = setUp();
    const brief = container('a', { created: START + 5n });
    for (const action of ['create', 'start', 'die', 'destroy'] as const) fleet.event(event(action, brief));
    fleet.listed([]);
    fleet.removed(fleet.get('a')!);
    expect(observer.told).toEqual(['missed name-a: never_polled']);
  });

  test('created and removed without a start: nothing is missed', () => {
    const { fleet, observer } = setUp();
    fleet.listed([container('a', { state: 'created' })]);
    fleet.event(event('destroy', container('a')));
    expect(observer.told).toEqual(['discovered name-a']);
  });

  test('denied for a while and there again: that nothing more is to come of it is taken back', () => {
    const { fleet, completed, reopened } = setUp({ cursors: [{ ...cursorOf('a'), complete: true }] });
    const ended = container('a', { state: 'exited' });
    fleet.listed([ended]);
    fleet.removed(fleet.get('a')!);
    expect({ completed, reopened }).toEqual({ completed: ['a'], reopened: [] });
    fleet.listed([ended]);
    expect(reopened).toEqual(['a']);
    expect(fleet.get('a')).toMatchObject({ life: 'active', cursor: { containerId: 'a' } });
    expect(fleet.get('a')!.cursor!.complete).toBeUndefined();
  });

  test('denied for a while and there again: neither it nor its cursor is forgotten after the grace period', async () => {
    const { fleet, forgotten, time } = setUp({ cursors: [cursorOf('a')] });
    fleet.listed([container('a')]);
    fleet.removed(fleet.get('a')!);
    fleet.listed([container('a')]);
    await time.pass(3_600_000);
    await fleet.forgetOld();
    expect([fleet.get('a')?.life, forgotten]).toEqual(['active', []]);
  });

  describe.each(['removing', 'dead'])('stuck as %s: listed, and inspect denies it', (state) => {
    test('it is inspected once, said once, and stays settled', async () => {
      const { fleet, observer, forgotten, time } = setUp({ cursors: [cursorOf('a')] });
      const stuck = container('a', { state });
      fleet.listed([stuck]);
      expect(fleet.get('a')!.life).toBe('active');
      fleet.removed(fleet.get('a')!);
      for (let list = 0; list < 5; list++) {
        fleet.listed([stuck]);
        expect(fleet.get('a')!.life).toBe('gone');
        await time.pass(3_600_000);
        // Its cursor tells the next process that it is settled.
        await fleet.forgetOld();
      }
      expect([observer.told, forgotten]).toEqual([['discovered name-a', 'missed name-a: removed_early'], []]);
      fleet.listed([]);
      await fleet.forgetOld();
      expect(forgotten).toEqual(['a']);
    });

    test('delivered whole before it got stuck, or by a process before this one: nothing is missed', () => {
      const { fleet, observer } = setUp({ cursors: [{ ...cursorOf('b'), complete: true }] });
      fleet.listed([container('a', { state: 'exited' }), container('b', { state })]);
      fleet.get('a')!.life = 'drained';
      const both = [container('a', { state }), container('b', { state })];
      fleet.listed(both);
      for (const id of ['a', 'b']) fleet.removed(fleet.get(id)!);
      fleet.listed(both);
      expect(observer.told).toEqual(['discovered name-a', 'discovered name-b']);
    });

    test('it is in another state again: it is polled again', () => {
      const { fleet } = setUp();
      fleet.listed([container('a', { state })]);
      fleet.removed(fleet.get('a')!);
      fleet.listed([container('a', { state })]);
      fleet.listed([container('a', { state: 'exited' })]);
      expect(fleet.get('a')!.life).toBe('active');
      fleet.removed(fleet.get('a')!);
      fleet.listed([container('a', { state })]);
      expect(fleet.get('a')!.life).toBe('gone');
    });
  });

  test('listed as exited, and denied again and again: said once, and asked for ever later', async () => {
    const { fleet, observer, time } = setUp({ cursors: [cursorOf('a')] });
    const waits: number[] = [];
    for (let denial = 0; denial < 12; denial++) {
      fleet.listed([container('a', { state: 'exited' })]);
      const state = fleet.get('a')!;
      waits.push(Math.max(0, state.dueAt - time.monotonic()));
      await time.pass(waits.at(-1)!);
      fleet.removed(state);
    }
    expect(waits).toEqual([0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000]);
    expect(observer.told).toEqual(['discovered name-a', 'missed name-a: removed_early']);
    // It was there for a while after that was said, and is removed in the end.
    fleet.listed([]);
    fleet.listed([]);
    expect(observer.told.slice(1)).toEqual(Array(2).fill('missed name-a: removed_early'));
  });

  test.each(['is inspected', 'is started'])(
    'denied, and there again, and it %s: its next end is judged anew',
    (how) => {
      const { fleet, observer } = setUp({ cursors: [{ ...cursorOf('a'), complete: true }] });
      const ended = container('a', { state: 'exited' });
      fleet.listed([ended]);
      const state = fleet.get('a')!;
      fleet.removed(state);
      fleet.listed([ended]);
      const details = { tty: false, logDriver: 'json-file', startedAt: 1n, finishedAt: 0n, running: true };
      if (how === 'is inspected') fleet.inspected(state, { ...details, ...ended }, fleet.asks());
      else fleet.event(event('start', ended));
      fleet.removed(state);
      expect(observer.told).toEqual(['discovered name-a', 'missed name-a: removed_early']);
    },
  );

  test.each<[string, (setup: ReturnType<typeof setUp>) => void]>([
    ['is started', ({ fleet }) => fleet.event(event('start', container('a')))],
    ['is listed as running', ({ fleet }) => fleet.listed([container('a')])],
    [
      'turns out to have grown',
      ({ fleet }) =>
        (fleet.get('a')!.afterEnd = grown(readToEnd({ ...AN_END, began: 0, beganAt: START }), 0)),
    ],
  ])('delivered whole by a process before this one, and then it %s: its end is judged', (_, happens) => {
    const setup = setUp({ cursors: [{ ...cursorOf('a'), complete: true }] });
    const { fleet, observer } = setup;
    fleet.listed([container('a', { state: 'exited' })]);
    happens(setup);
    fleet.removed(fleet.get('a')!);
    expect(observer.told).toEqual(['discovered name-a', 'missed name-a: removed_early']);
  });

  test('what was removed while no collector ran is told once: the next start says nothing of it', () => {
    const first = setUp({ cursors: [cursorOf('old')] });
    first.fleet.listed([]);
    expect(first.observer.told).toEqual(['missed name-old: removed_unwatched']);
    expect(first.completed).toEqual(['old']);
    const second = setUp({ cursors: [{ ...cursorOf('old'), complete: true }] });
    second.fleet.listed([]);
    expect(second.observer.told).toEqual([]);
  });

  test('what was removed under watch is written down: the next start says nothing of it', () => {
    const { fleet, completed } = setUp();
    fleet.listed([container('a')]);
    fleet.event(event('destroy', container('a')));
    expect(completed).toEqual(['a']);
  });

  test('removed in the middle of a poll: judged and written down when the poll is over', () => {
    const { fleet, observer, completed } = setUp();
    const busy = ['read', 'early', 'never'].map((id) => container(id));
    fleet.listed(busy);
    const [read, early, never] = busy.map(({ id }) => fleet.get(id)!);
    for (const state of [read!, early!, never!]) state.busy = true;
    for (const each of busy) {
      fleet.event(event('die', each, START + 10n));
      fleet.event(event('destroy', each));
      expect(fleet.get(each.id)!.life).toBe('gone');
    }
    fleet.listed([]);
    // A commit of the poll may still come: it must not undo what is written down.
    expect(completed).toEqual([]);
    // The poll found it ended, and read all of it.
    Object.assign(read!, { busy: false, polledAt: 1, readToEnd: momentAt(START + 11n), life: 'drained' });
    const readEarly = { polledAt: 1, readToEnd: momentAt(START + 9n), cursor: cursorOf('early') };
    Object.assign(early!, { busy: false, ...readEarly });
    // It was asked for, and was not there any more.
    Object.assign(never!, { busy: false, polledAt: 1 });
    for (const state of [read!, early!, never!]) {
      fleet.left(state);
      fleet.left(state);
      expect(state.life).toBe('gone');
    }
    expect(completed).toEqual(['read', 'early', 'never']);
    expect(observer.told.filter((told) => told.startsWith('missed'))).toEqual([
      'missed name-early: removed_early',
      'missed name-never: never_polled',
    ]);
  });

  test('removed after it was read to the end: nothing is missed', () => {
    const { fleet, observer } = setUp();
    fleet.listed([container('a')]);
    Object.assign(fleet.get('a')!, { polledAt: 1, readToEnd: momentAt(START + 20n) });
    fleet.event(event('die', container('a'), START + 10n));
    fleet.event(event('destroy', container('a'), START + 11n));
    expect(observer.told).toEqual(['discovered name-a']);
  });

  test('the clock was set back between its last poll and its death: said', () => {
    const { fleet, observer, time } = setUp();
    fleet.listed([container('a')]);
    Object.assign(fleet.get('a')!, { cursor: cursorOf('a'), polledAt: 1, readToEnd: new Moment(time) });
    time.step(-30_000);
    fleet.event(event('die', container('a'), START - 20n * 10n ** 9n));
    fleet.event(event('destroy', container('a')));
    expect(observer.told).toContain('missed name-a: removed_early');
  });

  test.each(['the last poll', 'a poll that is under way'])(
    'the clock was set back between %s and a death, and forward again before it is known: said',
    (which) => {
      const { fleet, observer, time } = setUp();
      fleet.listed([container('a')]);
      const state = fleet.get('a')!;
      const began = new Moment(time);
      const underWay = which !== 'the last poll';
      Object.assign(state, { cursor: cursorOf('a'), busy: underWay, pollBegan: began });
      if (!underWay) Object.assign(state, { polledAt: 1, readToEnd: began });
      time.step(-30_000);
      fleet.clockStepped();
      const died = time.now() + 1n;
      time.step(30_000);
      fleet.clockStepped();
      fleet.event(event('die', container('a'), died));
      fleet.event(event('destroy', container('a')));
      if (underWay) {
        Object.assign(state, { polledAt: 1, readToEnd: began, busy: false });
        fleet.left(state);
      }
      expect(observer.told).toContain('missed name-a: removed_early');
    },
  );

  test('removed after it was read to the end, as one that runs: the line that was left open may be missing', () => {
    const { fleet, observer } = setUp();
    fleet.listed([container('a')]);
    const open = [{ stream: 'stdout', stamp: START, text: Buffer.from('last words'), cut: false }] as const;
    const cursor = { ...cursorOf('a'), open };
    Object.assign(fleet.get('a')!, { polledAt: 1, readToEnd: momentAt(START + 20n), cursor });
    fleet.event(event('die', container('a'), START + 10n));
    fleet.event(event('destroy', container('a'), START + 11n));
    expect(observer.told).toContain('missed name-a: removed_early');
  });

  test('removed after it was read to the end, as a TTY that runs: its last words may be missing', () => {
    const { fleet, observer } = setUp();
    fleet.listed([container('a')]);
    const cursor = cursorOf('a');
    Object.assign(fleet.get('a')!, { cursor, readToEnd: momentAt(START + 20n), lastWordsHeld: true });
    fleet.event(event('die', container('a'), START + 10n));
    fleet.event(event('destroy', container('a'), START + 11n));
    expect(observer.told).toContain('missed name-a: removed_early');
  });

  test('removed before its last words were read: said', () => {
    const { fleet, observer } = setUp();
    fleet.listed([container('a')]);
    Object.assign(fleet.get('a')!, { cursor: cursorOf('a'), readToEnd: momentAt(START + 5n) });
    fleet.event(event('die', container('a'), START + 10n));
    fleet.event(event('destroy', container('a'), START + 11n));
    expect(observer.told).toContain('missed name-a: removed_early');
  });

  test('unreadable when it was removed: told if it could be read before', () => {
    const { fleet, observer } = setUp({ cursors: [cursorOf('once')] });
    fleet.listed([container('never'), container('once')]);
    for (const id of ['never', 'once']) fleet.get(id)!.life = 'unreadable';
    fleet.listed([]);
    expect(observer.told.filter((line) => line.startsWith('missed'))).toEqual([
      'missed name-once: removed_early',
    ]);
  });

  test('removed while no collector ran: its cursor tells, once, and is forgotten in time', async () => {
    const { fleet, observer, forgotten, time } = setUp({ cursors: [cursorOf('old'), cursorOf('a')] });
    fleet.listed([container('a')]);
    fleet.listed([container('a')]);
    expect(observer.told.filter((line) => line.startsWith('missed'))).toEqual([
      'missed name-old: removed_unwatched',
    ]);
    await fleet.forgetOld();
    expect(forgotten).toEqual([]);
    await time.pass(3_600_000);
    await fleet.forgetOld();
    expect(forgotten).toEqual(['old']);
  });

  test('a start and a death drop what inspect said and make it due', async () => {
    const { fleet, time } = setUp();
    fleet.listed([container('a')]);
    const state = fleet.get('a')!;
    const details = { tty: false, logDriver: 'json-file', startedAt: 1n, finishedAt: 0n, running: true };
    for (const [action, life] of [
      ['die', 'active'],
      ['start', 'active'],
      ['start', 'drained'],
    ] as const) {
      Object.assign(state, { details, dueAt: 1e9, life });
      await time.pass(10);
      fleet.event(event(action, container('a')));
      expect(state).toMatchObject({ details: undefined, dueAt: time.monotonic(), life: 'active' });
    }
  });

  test('the news that a container has died, when its log was read to the end before: nothing is left to read', () => {
    const { fleet, observer } = setUp();
    fleet.listed([container('a')]);
    // The poll began before the event was stamped, and inspect showed the end all the same.
    Object.assign(fleet.get('a')!, { life: 'drained', polledAt: 1, readToEnd: momentAt(START + 9n) });
    fleet.event(event('die', container('a'), START + 10n));
    fleet.listed([container('a', { state: 'exited' })]);
    expect(fleet.get('a')).toMatchObject({ life: 'drained' });
    fleet.event(event('destroy', container('a'), START + 11n));
    expect(observer.told).toEqual(['discovered name-a']);
  });

  test('found ended, and started again without an event: a list that was asked for later tells of it', async () => {
    const { fleet, time } = setUp();
    fleet.listed([container('a')]);
    const state = fleet.get('a')!;
    await time.pass(1000);
    Object.assign(state, { life: 'drained', polledAt: time.monotonic() });
    await time.pass(1000);
    fleet.listed([container('a')], 1000);
    expect(state.life).toBe('drained');
    fleet.listed([container('a')], 1001);
    expect(state).toMatchObject({ life: 'active', dueAt: 2000 });
  });

  test('started again without an event, and removed: its last poll is no longer behind its end', () => {
    const { fleet, observer } = setUp();
    fleet.listed([container('a')]);
    fleet.event(event('die', container('a'), START + 10n));
    fleet.listed([container('a', { state: 'exited' })]);
    fleet.listed([container('a')]);
    Object.assign(fleet.get('a')!, {
      cursor: cursorOf('a'),
      polledAt: 1,
      readToEnd: momentAt(START + 20n),
    });
    fleet.listed([]);
    expect(observer.told).toContain('missed name-a: removed_early');
  });

  test('an event during a poll asks for another one', () => {
    const { fleet } = setUp();
    fleet.listed([container('a')]);
    fleet.get('a')!.busy = true;
    fleet.event(event('die', container('a')));
    expect(fleet.get('a')!.again).toBe(true);
  });

  test('a list older than a destroy event does not bring the container back', () => {
    const { fleet } = setUp();
    fleet.listed([container('a')]);
    fleet.event(event('destroy', container('a')));
    fleet.listed([container('a')]);
    expect(fleet.get('a')!.life).toBe('gone');
  });

  test('removed: forgotten with its cursor after the grace period, not before, and not while busy', async () => {
    const { fleet, forgotten, time } = setUp();
    fleet.listed([container('a')]);
    fleet.event(event('destroy', container('a')));
    await time.pass(3_599_000);
    await fleet.forgetOld();
    expect(fleet.size).toBe(1);
    await time.pass(2_000);
    fleet.get('a')!.busy = true;
    await fleet.forgetOld();
    expect(fleet.size).toBe(1);
    fleet.get('a')!.busy = false;
    await fleet.forgetOld();
    expect([fleet.size, forgotten]).toEqual([0, ['a']]);
  });

  describe('who a container is', () => {
    const details = { tty: false, logDriver: 'json-file', startedAt: 1n, finishedAt: 0n, running: true };
    const inspected = (over: Partial<InspectedContainer> = {}): InspectedContainer => ({
      ...details,
      name: 'inspected',
      image: 'i',
      labels: { app: 'shop' },
      created: START - 10n ** 12n,
      ...over,
    });
    const eventOf = (action: ContainerEvent['action']): ContainerEvent =>
      event(action, container('a', { name: 'event', labels: { app: 'event', exitCode: '0' } }));

    test('an event is no source: until it is inspected or listed, a container has no labels and is not found', () => {
      const { fleet, observer } = setUp();
      fleet.event(eventOf('start'));
      const state = fleet.get('a')!;
      expect(state.summary).toMatchObject({ name: 'event', labels: {} });
      expect(state.identity.isKnown).toBe(false);
      expect(fleet.inspected(state, inspected(), fleet.asks())).toBe('collected');
      expect(state.summary).toMatchObject({ name: 'inspected', labels: { app: 'shop' } });
      expect(state.bornUnderWatch).toBe(false);
      expect(observer.told).toEqual(['discovered inspected']);
    });

    test('of one that was made under watch, inspect tells when', () => {
      const { fleet } = setUp();
      fleet.event(eventOf('start'));
      fleet.inspected(fleet.get('a')!, inspected({ created: START + 5n }), fleet.asks());
      expect(fleet.get('a')!.bornUnderWatch).toBe(true);
    });

    test('inspect without labels: not known until a list shows it', () => {
      const { fleet } = setUp();
      fleet.event(eventOf('start'));
      const state = fleet.get('a')!;
      expect(fleet.inspected(state, details, fleet.asks())).toBe('unknown');
      fleet.listed([container('a', { labels: { app: 'listed' } })]);
      expect(fleet.inspected(state, details, fleet.asks())).toBe('collected');
      expect(state.summary).toMatchObject({ name: 'name-a', labels: { app: 'listed' } });
    });

    test.each(['inspect', 'a list'])('%s shows that it is not collected: it is left alone', (which) => {
      const { fleet, observer } = setUp({ selects: ({ labels }) => labels['app'] !== 'shop' });
      fleet.event(eventOf('start'));
      const state = fleet.get('a')!;
      if (which === 'a list') fleet.listed([container('a', { labels: { app: 'shop' } })]);
      expect(fleet.inspected(state, inspected(), fleet.asks())).toBe('passed_over');
      expect(fleet.size).toBe(0);
      // It is known now, and not looked at again.
      fleet.event(eventOf('die'));
      fleet.event(eventOf('start'));
      expect(fleet.size).toBe(0);
      // Under another name it may be collected.
      fleet.event(eventOf('rename'));
      fleet.event(eventOf('start'));
      expect(fleet.size).toBe(1);
      expect(observer.told).toEqual([]);
    });

    test('gone before anybody could look: missed, unless what the event says of it speaks against it', () => {
      const { fleet, observer } = setUp({ selects: ({ labels }) => labels['app'] !== 'event' });
      fleet.event(eventOf('start'));
      fleet.event(event('start', container('b', { name: 'other' })));
      for (const id of ['a', 'b']) fleet.removed(fleet.get(id)!);
      expect(observer.told).toEqual(['missed other: never_polled']);
    });

    test.each<[string, 'list' | 'inspect', 'list' | 'inspect']>([
      ['a list, then inspect', 'list', 'inspect'],
      ['inspect, then a list', 'inspect', 'list'],
      ['two lists', 'list', 'list'],
      ['inspect twice', 'inspect', 'inspect'],
    ])('the name is that of the newest question, whichever answer comes first: %s', (_, older, newer) => {
      for (const isLate of [false, true]) {
        const { fleet } = setUp();
        fleet.listed([container('a', { name: 'first' })]);
        const state = fleet.get('a')!;
        const answer = (kind: 'list' | 'inspect', name: string, turn: number): void => {
          if (kind === 'inspect') fleet.inspected(state, inspected({ name }), turn);
          else fleet.listed([container('a', { name })], Infinity, turn);
        };
        const [before, after] = [fleet.asks(), fleet.asks()];
        if (isLate) answer(newer, 'new', after);
        answer(older, 'old', before);
        if (!isLate) answer(newer, 'new', after);
        expect([isLate, state.summary.name]).toEqual([isLate, 'new']);
      }
    });

    test('an event says that the name may be another: what was asked for before it is not current', () => {
      const { fleet } = setUp();
      fleet.listed([container('a', { name: 'first' })]);
      const state = fleet.get('a')!;
      for (const action of ['rename', 'start', 'die'] as const) {
        const before = fleet.asks();
        fleet.inspected(state, inspected(), fleet.asks());
        expect(state.identity.isCurrent).toBe(true);
        fleet.event(eventOf(action));
        expect(state.identity.isCurrent).toBe(false);
        fleet.inspected(state, inspected(), before);
        expect(state.identity.isCurrent).toBe(false);
        fleet.inspected(state, inspected(), fleet.asks());
        expect(state.identity.isCurrent).toBe(true);
      }
    });

    test('the image is that of the list, as soon as there is one', () => {
      const { fleet } = setUp();
      fleet.event(eventOf('start'));
      const state = fleet.get('a')!;
      fleet.inspected(state, inspected({ image: 'shop:1' }), fleet.asks());
      expect(state.summary.image).toBe('shop:1');
      fleet.listed([container('a', { image: 'sha256:1' })]);
      fleet.inspected(state, inspected({ image: 'shop:1' }), fleet.asks());
      expect(state.summary.image).toBe('sha256:1');
    });

    test('a list that is older than an event does not undo what the event told', () => {
      const { fleet } = setUp();
      fleet.listed([container('a', { state: 'exited' })]);
      const state = fleet.get('a')!;
      const turn = fleet.asks();
      fleet.event(event('die', container('a'), START + 10n));
      fleet.listed([container('a', { state: 'running' })], Infinity, turn);
      expect(state).toMatchObject({ diedAt: START + 10n, summary: { state: 'exited' } });
      fleet.listed([container('a', { state: 'running' })]);
      expect(state).toMatchObject({ diedAt: undefined, summary: { state: 'running' } });
    });
  });

  describe('a list with entries that could not be understood', () => {
    test('a container whose entry it was is still there', () => {
      const { fleet, observer } = setUp({ cursors: [cursorOf('old')] });
      fleet.listed([container('a'), container('b')], Infinity, fleet.asks(), [{ containerId: 'old' }]);
      fleet.listed([container('b')], Infinity, fleet.asks(), [{ containerId: 'a' }]);
      expect([fleet.get('a')!.life, fleet.get('b')!.life]).toEqual(['active', 'active']);
      fleet.listed([], Infinity, fleet.asks(), [{ containerId: 'a' }]);
      expect([fleet.get('a')!.life, fleet.get('b')!.life]).toEqual(['active', 'gone']);
      expect(observer.told.filter((told) => told.includes('old'))).toEqual([]);
    });

    test('as long as nobody knows whose entry it was, none is taken for removed', () => {
      const { fleet, observer } = setUp({ cursors: [cursorOf('old')] });
      fleet.listed([container('a')], Infinity, fleet.asks(), [{ containerId: undefined }]);
      fleet.listed([], Infinity, fleet.asks(), [{ containerId: undefined }]);
      expect(fleet.get('a')!.life).toBe('active');
      expect(observer.told).toEqual(['discovered name-a']);
      fleet.listed([]);
      expect(fleet.get('a')!.life).toBe('gone');
      expect(observer.told).toContain('missed name-old: removed_unwatched');
    });
  });

  test('re-created under the same name: another container', () => {
    const { fleet } = setUp();
    fleet.listed([container('a', { name: 'web' })]);
    fleet.listed([container('b', { name: 'web' })]);
    expect(fleet.get('a')!.life).toBe('gone');
    expect(fleet.get('b')!.life).toBe('active');
  });
});
