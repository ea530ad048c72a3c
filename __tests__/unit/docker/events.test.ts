import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EngineError } from '../../../src/docker/engine-error.js';
import { EventWindow, type EventNews } from '../../../src/docker/event-window.js';
import { parseEvents, readEvents, type EngineEvent } from '../../../src/docker/events.js';
import { EventRing } from '../../../src/simulators/engine/event-ring.js';
import { engineApi, never } from '../../support/engine-api.js';
import { SteppedClock, withEngine } from '../../support/simulated-engine.js';
import { runs } from '../../support/effort.js';

const MICROSECOND = 1000n;
const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;
const question = { endpoint: { kind: 'unix', path: '/x' }, path: '/events' } as const;
const parse = (text: string): readonly EngineEvent[] => parseEvents(question, Buffer.from(text)).events;

describe('the lines of an answer', () => {
  test('are read to the nanosecond, whatever stands in the labels', () => {
    const line = (labels: object): string =>
      `{"status":"die","id":"c1","Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":${JSON.stringify(labels)}},"scope":"local","time":1795529682,"timeNano":1795529682335425513}\n`;
    const labels = {
      exitCode: '3',
      timeNano: '5',
      '"timeNano":6': 'x',
      note: '"timeNano":7',
      back: '\\"timeNano\\":8',
    };
    expect(parse(line(labels) + line({}))).toEqual([
      { type: 'container', action: 'die', id: 'c1', timeNano: 1795529682335425513n, attributes: labels },
      { type: 'container', action: 'die', id: 'c1', timeNano: 1795529682335425513n, attributes: {} },
    ]);
  });

  test('may lack what a version does not tell', () => {
    expect(
      parse('{"Type":"daemon","Action":"reload","Actor":{"ID":"x","Attributes":null},"time":5}\n\n'),
    ).toEqual([{ type: 'daemon', action: 'reload', id: 'x', timeNano: 5n * SECOND, attributes: {} }]);
    expect(parse('{"timeNano":7}')).toEqual([{ type: '', action: '', id: '', timeNano: 7n, attributes: {} }]);
    expect(parse('')).toEqual([]);
  });

  test.each(['x', '[]', 'null', '5\n"x"', '<html>\n</html>'])('%j is no answer of an Engine', (text) => {
    expect(() => parse(text)).toThrow(EngineError);
    expect(() => parse(text)).toThrow('lines that are no events');
  });

  test.each<[string, string]>([
    ['{"Type":"container"}', 'has no time'],
    ['{"timeNano":7,"Actor":5}', 'Actor: '],
    ['{"time":', 'is no JSON object'],
    ['null', 'is no JSON object'],
    ['{"timeNano":7,"Action":5}', 'Action: '],
  ])('%j is skipped and reported, and the others are read', (line, problem) => {
    const { events, malformed } = parseEvents(question, Buffer.from(`{"time":1}\n${line}\n{"time":2}`));
    expect(events.map(({ timeNano }) => timeNano)).toEqual([SECOND, 2n * SECOND]);
    expect(malformed).toMatchObject([{ kind: 'event', excerpt: line }]);
    expect(malformed[0]?.problem).toContain(problem);
  });

  test('attributes that are not understood are left out: only hints are taken from them', () => {
    const [event] = parse('{"Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":3}},"timeNano":7}');
    expect(event).toMatchObject({ action: 'die', id: 'c1', attributes: {} });
  });

  test('any damage of single lines: the sound ones are read, the others are reported', () => {
    const sound = (nano: number): string =>
      JSON.stringify({
        Type: 'container',
        Action: 'start',
        Actor: { ID: 'c1', Attributes: { name: 'web' } },
        time: 1,
        timeNano: nano,
      });
    const line = fc.oneof(
      { weight: 3, arbitrary: fc.nat(1_000_000).map((nano) => ({ isSound: true, nano, text: sound(nano) })) },
      fc.tuple(fc.nat(150), fc.nat(150)).map(([from, length]) => {
        const text = sound(7);
        // What is left does not close its braces.
        return {
          isSound: false,
          nano: 0,
          text: text.slice(0, from % (text.length - 1)) + '{'.repeat(1 + (length % 3)),
        };
      }),
      fc
        .record({ Type: fc.jsonValue(), Action: fc.jsonValue(), Actor: fc.jsonValue(), time: fc.jsonValue() })
        .filter(({ Type }) => typeof Type !== 'string' && Type !== null)
        .map((json) => ({ isSound: false, nano: 0, text: JSON.stringify(json) })),
    );
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const all = [...lines, { isSound: true, nano: 1, text: sound(1) }];
        const { events, malformed } = parseEvents(
          question,
          Buffer.from(all.map(({ text }) => text).join('\n')),
        );
        const isSound = ({ isSound: is }: { isSound: boolean }): boolean => is;
        expect(events.map(({ timeNano }) => Number(timeNano))).toEqual(
          all.filter(isSound).map(({ nano }) => nano),
        );
        expect(malformed).toHaveLength(all.filter((each) => !isSound(each)).length);
      }),
    );
  });

  test('any bytes: events or a typed error', () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.array(fc.json()).map((lines) => Buffer.from(lines.join('\n'))),
    );
    fc.assert(
      fc.property(bytes, (body) => {
        try {
          expect(Array.isArray(parseEvents(question, body).events)).toBe(true);
        } catch (error) {
          if (!(error instanceof EngineError)) throw error;
        }
      }),
    );
  });
});

describe('asked of an Engine', () => {
  test('the events of a container’s life, once each; the answer comes at once', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      const { api, ledger } = engineApi(engine.socketPath, { clock });
      const window = new EventWindow();
      const look = async (): Promise<EventNews> => {
        const range = window.next(clock.now() - 5n * MS, clock.monotonic());
        const { events, malformed } = await readEvents(api, range, never);
        return window.take(events, malformed);
      };
      engine.publishEvent('image', 'pull', 'old');
      clock.advance(SECOND);
      expect(await look()).toEqual({ malformed: [], events: [], overrun: false, relist: true });

      const one = engine.addContainer({ name: 'one', image: 'shop:1', labels: { app: 'shop' } });
      expect(one.running).toBe(true);
      clock.advance(SECOND);
      one.kill();
      clock.advance(SECOND);
      const { events, relist } = await look();
      expect(relist).toBe(false);
      const mine = events.filter(({ id }) => id === one.id);
      expect(mine.map(({ action }) => action)).toEqual(expect.arrayContaining(['create', 'start', 'die']));
      expect(mine.at(-1)).toMatchObject({
        type: 'container',
        attributes: { app: 'shop', name: 'one', image: 'shop:1' },
      });
      expect(await look()).toEqual({ malformed: [], events: [], overrun: false, relist: false });

      for (let n = 0; n < 300; n++) engine.publishEvent('container', 'exec_create: sh', 'x');
      clock.advance(SECOND);
      const crowded = await look();
      expect(crowded.overrun).toBe(true);
      expect(crowded.events).toHaveLength(256);
      expect((await look()).relist).toBe(false);

      await engine.restartDaemon();
      expect(await look()).toEqual({ malformed: [], events: [], overrun: true, relist: true });
      expect(await look()).toEqual({ malformed: [], events: [], overrun: false, relist: false });
      expect(ledger.open).toBe(0);
      // Only bounded questions: `until` was never missing.
      expect(engine.requests.violations).toEqual([]);
    });
  });
});

describe('the window', () => {
  const event = (timeNano: bigint, id = 'c'): EngineEvent => ({
    type: 'container',
    action: 'start',
    id,
    timeNano,
    attributes: {},
  });
  const at = (...seconds: number[]): EngineEvent[] =>
    seconds.map((s) => event(START + BigInt(s * 1000) * MS));
  const until = START + 100n * SECOND;

  test('begins with the whole ring, tells nothing old, then asks from the last event', () => {
    const window = new EventWindow();
    expect(window.next(until, 0)).toEqual({ since: 0n, until });
    expect(window.take(at(1, 10))).toEqual({ malformed: [], events: [], overrun: false, relist: true });
    expect(window.next(until, 0)).toEqual({ since: START + 10n * SECOND - MICROSECOND, until });
    expect(window.take(at(10, 11))).toEqual({
      malformed: [],
      events: at(11),
      overrun: false,
      relist: false,
    });
    expect(window.next(until, 0)).toEqual({ since: START + 11n * SECOND - MICROSECOND, until });
    expect(window.take(at(11))).toEqual({ malformed: [], events: [], overrun: false, relist: false });
  });

  test('a quiet Engine sends its last event again, and no more', () => {
    const { look, publish, pass } = ringed();
    look();
    publish(200);
    pass(MS);
    publish(1);
    for (let second = 0; second < 3; second++) {
      pass(SECOND);
      look();
    }
    pass(SECOND);
    expect(look()).toMatchObject({ answered: 1, relist: false });
  });

  test('an Engine that takes both ends as exclusive, and reads them as floats, shows the last event all the same', () => {
    const { window, ring, look, publish, pass } = ringed();
    look();
    publish(5);
    pass(5n * SECOND);
    look();
    pass(SECOND);
    // As Podman does; at this time, a 64-bit float is up to 120 ns off.
    const { since, until } = window.next(START + 6n * SECOND, 6000);
    const shown = ring.query({ since: since + 120n + 1n, until: until - 120n - 1n }, () => true);
    const news = window.take(
      shown.map(({ timeNs, actorId, ...more }) => ({ ...more, id: actorId, timeNano: timeNs })),
    );
    expect(news).toEqual({ malformed: [], events: [], overrun: false, relist: false });
  });

  test('an event that was stamped before the last one, and entered the ring after it, is no overrun', () => {
    const { look, publish, pass } = ringed();
    look();
    publish(1);
    pass(SECOND);
    look();
    publish(1);
    publish(1, 300n * MS);
    publish(1, 400n * MS);
    pass(SECOND);
    expect(look()).toMatchObject({ events: { length: 3 }, overrun: false });
    pass(SECOND);
    expect(look()).toMatchObject({ events: [], overrun: false });
    publish(1);
    pass(SECOND);
    expect(look()).toMatchObject({ events: { length: 1 }, overrun: false });
  });

  test('as long as the last event is young, it is asked from so far back that what comes late hides nothing', () => {
    const { look, publish, pass } = ringed();
    look();
    publish(1);
    pass(10n * MS);
    // The first event there is proves nothing before it: all is listed, and it is the proof all the same.
    expect(look()).toMatchObject({ relist: true });
    pass(10n * MS);
    publish(1, 400n * MS);
    pass(10n * MS);
    expect(look()).toMatchObject({ events: { length: 1 }, overrun: false, relist: false });
  });

  test.each([-400n, -1500n, -60_000n])('the Engine’s clock was stepped by %s ms: no overrun', (ms) => {
    const { look, publish, pass, step } = ringed();
    look();
    publish(3);
    pass(5n * SECOND);
    look();
    pass(5n * SECOND);
    look();
    step(ms * MS);
    publish(1);
    // Those of the time before the step are hidden until the clock has come to them.
    pass(ms < -10_000n ? 120n * SECOND : SECOND);
    expect(look()).toMatchObject({ events: { length: 1 }, overrun: false });
  });

  test('a missing last event is an overrun; what there is is told', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take(at(1));
    expect(window.take(at(5, 6))).toEqual({ malformed: [], events: at(5, 6), overrun: true, relist: true });
    expect(window.take(at(5, 6, 7))).toEqual({ malformed: [], events: at(7), overrun: false, relist: false });
  });

  test('a ring that is empty after a restart is an overrun once; its first events prove nothing', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take(at(1));
    expect(window.take([])).toEqual({ malformed: [], events: [], overrun: true, relist: true });
    expect(window.next(until, 0).since).toBe(0n);
    expect(window.take([])).toEqual({ malformed: [], events: [], overrun: false, relist: false });
    expect(window.take(at(5))).toEqual({ malformed: [], events: at(5), overrun: false, relist: true });
    expect(window.take(at(5, 6))).toEqual({ malformed: [], events: at(6), overrun: false, relist: false });
  });

  test('the Engine’s clock was set back behind the window: the whole ring is asked for', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take(at(50));
    expect(window.next(START + 10n * SECOND, 0)).toEqual({ since: 0n, until: START + 10n * SECOND });
  });

  test('the Engine’s clock was set back by less: what it hides until it is there again is listed', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take(at(99));
    // Five seconds go by, and four are set back.
    window.next(until + SECOND, 5000);
    expect(window.take(at(99, 100))).toEqual({
      malformed: [],
      events: at(100),
      overrun: false,
      relist: true,
    });
    window.next(until + 2n * SECOND, 6000);
    expect(window.take(at(99, 100))).toEqual({ malformed: [], events: [], overrun: false, relist: false });
  });

  test('the Engine’s clock that runs on, or is set forward, is no reason to list', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take(at(99));
    for (const [seconds, ms] of [
      [5, 5000],
      [3600, 6000],
      [3601, 7000],
    ] as const) {
      window.next(until + BigInt(seconds) * SECOND, ms);
      expect(window.take(at(99))).toEqual({ malformed: [], events: [], overrun: false, relist: false });
    }
  });

  test('an event so young that another may be hidden before it is no proof', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take(at(90));
    window.next(until, 0);
    expect(window.take(at(90, 99.5))).toEqual({
      malformed: [],
      events: at(99.5),
      overrun: false,
      relist: false,
    });
    // What was hidden between the two may have gone with the first.
    window.next(until + SECOND, 1000);
    expect(window.take(at(99.5, 101))).toEqual({
      malformed: [],
      events: at(101),
      overrun: true,
      relist: true,
    });
  });

  /** A window on a ring, both on one clock. */
  function ringed() {
    const ring = new EventRing();
    const window = new EventWindow();
    let [now, monotonic, number] = [START, 0n, 0];
    return {
      window,
      ring,
      pass: (ns: bigint) => {
        now += ns;
        monotonic += ns;
      },
      step: (ns: bigint) => (now += ns),
      /** @param late ns by which they were stamped before they entered the ring */
      publish: (count: number, late = 0n) => {
        for (let n = 0; n < count; n++) {
          now += 1000n;
          monotonic += 1000n;
          const actorId = `c${number++}`;
          const timeNs = now - late;
          ring.publish({ type: 'container', action: 'start', actorId, attributes: {}, timeNs });
        }
      },
      look: () => {
        const range = window.next(now - 5n * MS, Number(monotonic / MS));
        const answer = ring.query(range, () => true);
        const news = window.take(
          answer.map(({ timeNs, actorId, ...more }) => ({ ...more, id: actorId, timeNano: timeNs })),
        );
        return { ...news, answered: answer.length };
      },
    };
  }

  test('events that an answer hid and that fell out of the ring are not passed over', () => {
    const ring = new EventRing();
    const window = new EventWindow();
    let now = START;
    const publish = (count: number, lateMs: number): void => {
      for (let n = 0; n < count; n++) {
        now += 1000n;
        const timeNs = n % 3 === 2 ? now - BigInt(lateMs) * MS : now;
        ring.publish({ type: 'container', action: 'start', actorId: String(now), attributes: {}, timeNs });
      }
    };
    const look = (): EventNews => {
      const range = window.next(now - 5n * MS, Number((now - START) / MS));
      return window.take(
        ring
          .query(range, () => true)
          .map(({ timeNs, actorId, ...more }) => ({ ...more, id: actorId, timeNano: timeNs })),
      );
    };
    look();
    publish(1, 0);
    now += SECOND;
    expect(look().relist).toBe(true);
    // Every third is shown, and two thirds are later than `until`.
    publish(100, 5);
    expect(look()).toMatchObject({ relist: false, events: { length: 33 } });
    // The first of them fall out of the ring, and the last one shown does not.
    publish(157, 0);
    now += 5n * MS;
    expect(look()).toMatchObject({ relist: true, overrun: true });
  });

  test('a line that cannot be understood may hide anything: all is listed again, once', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take(at(1));
    const { malformed } = parseEvents(question, Buffer.from('{"time":1}\n{"time":'));
    expect(window.take(at(1, 2), malformed)).toEqual({
      malformed,
      events: at(2),
      overrun: false,
      relist: true,
    });
    expect(window.take(at(1, 2, 3), malformed)).toEqual({
      malformed: [],
      events: at(3),
      overrun: false,
      relist: false,
    });
  });

  test('events of one nanosecond are told apart', () => {
    const window = new EventWindow();
    window.next(until, 0);
    window.take([event(START, 'a')]);
    const two = [event(START, 'a'), event(START, 'b')];
    expect(window.take(two)).toEqual({
      malformed: [],
      events: [event(START, 'b')],
      overrun: false,
      relist: false,
    });
  });
});

type Step =
  | { readonly kind: 'events'; readonly count: number; readonly lateBy: number }
  | { readonly kind: 'step'; readonly seconds: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' }
  | { readonly kind: 'look' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('events' as const),
    count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 100, max: 400 })),
    lateBy: fc.nat(500),
  }),
  fc.record({ kind: fc.constant('step' as const), seconds: fc.integer({ min: -3600, max: 3600 }) }),
  fc.record({ kind: fc.constant('step' as const), seconds: fc.integer({ min: -4, max: 4 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(5000) }),
  fc.record({ kind: fc.constant('restart' as const) }),
  fc.record({ kind: fc.constant('look' as const) }),
  fc.record({ kind: fc.constant('look' as const) }),
);

test('any history: each event is told exactly once, or everything is listed again', () => {
  let told = 0;
  let overruns = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      let ring = new EventRing();
      const window = new EventWindow();
      let now = START;
      let monotonic = 0n;
      const pass = (ns: bigint): void => {
        now += ns;
        monotonic += ns;
      };
      let number = 0;
      let anchored = false;
      // Setting a clock forward and back again between two looks leaves no trace; that is left to the next list.
      let stepped = false;
      /** Published and not yet told. */
      const due = new Map<string, bigint>();
      const seen = new Set<string>();
      for (const todo of [
        { kind: 'look' } as Step,
        ...steps,
        { kind: 'wait', ms: 1 } as Step,
        { kind: 'look' } as Step,
      ]) {
        switch (todo.kind) {
          case 'events':
            for (let n = 0; n < todo.count; n++) {
              pass(1000n);
              // Stamped, then overtaken by others on the way into the ring.
              const timeNs = n % 3 === 2 ? now - BigInt(todo.lateBy) * MS : now;
              const actorId = `c${number++}`;
              ring.publish({ type: 'container', action: 'start', actorId, attributes: {}, timeNs });
              due.set(actorId, timeNs);
            }
            break;
          case 'step':
            if (!stepped) now += BigInt(todo.seconds) * SECOND;
            stepped = true;
            break;
          case 'wait':
            pass(BigInt(todo.ms) * MS);
            break;
          case 'restart':
            // Of a ring that was empty and is empty again nobody can tell.
            if (anchored) {
              ring = new EventRing();
              pass(SECOND);
            }
            break;
          case 'look': {
            stepped = false;
            const range = window.next(now - 5n * MS, Number(monotonic) / 1e6);
            expect(range.since).toBeLessThanOrEqual(range.until);
            const answer = ring.query(range, () => true);
            const news = window.take(
              answer.map(({ timeNs, actorId, type, action, attributes }) => ({
                type,
                action,
                id: actorId,
                timeNano: timeNs,
                attributes,
              })),
            );
            anchored = answer.length > 0;
            for (const { id } of news.events) {
              expect(seen.has(id)).toBe(false);
              seen.add(id);
              due.delete(id);
              told++;
            }
            if (news.overrun) overruns++;
            if (news.relist) {
              // Everything is listed: what happened until now is known by that.
              due.clear();
            }
            // An empty answer without a last event leaves the proof to the next look: that lists again.
            if (!anchored) break;
            for (const [id, timeNs] of due) {
              if (timeNs <= range.until) throw new Error(`${id} was passed over`);
            }
          }
        }
      }
    }),
    { numRuns: runs(500) },
  );
  expect(told).toBeGreaterThan(1000);
  expect(overruns).toBeGreaterThan(300);
});
