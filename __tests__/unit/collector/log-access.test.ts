import { newContainerState, type ContainerState } from '../../../src/collector/container-state.js';
import { LogAccess } from '../../../src/collector/log-access.js';
import { summaryOf } from '../../support/any-container.js';
import { ManualClock } from '../../support/manual-clock.js';
import { recordingObserver } from '../../support/recording-observer.js';

const REFUSED = new Error('forbidden');
const ALL = 'all logs refused: forbidden';

function setUp(...names: string[]) {
  const clock = new ManualClock();
  const observer = recordingObserver();
  const add = (name: string): ContainerState => {
    const state = newContainerState(summaryOf({ id: name, name }), undefined, false, 0);
    states.push(state);
    return state;
  };
  const states: ContainerState[] = [];
  names.forEach(add);
  const access = new LogAccess({ clock, observer, states: () => states, firstPause: 1000 });
  const refuse = (state: ContainerState) => {
    state.failures++;
    access.refused(state, REFUSED);
  };
  return { clock, told: observer.told, states, access, add, refuse };
}

describe('access to logs', () => {
  test('all are refused: known when the last of them was, and said once a probe', () => {
    const { states, access, refuse, told } = setUp('a', 'b');
    refuse(states[0]!);
    expect([access.refusal, access.probeAt, told]).toEqual([undefined, undefined, []]);
    refuse(states[1]!);
    expect([access.refusal, access.probeAt, told]).toEqual([REFUSED, 1000, [ALL]]);
    access.probing();
    expect(access.probeAt).toBe(2000);
    refuse(access.chooseProbe()!);
    expect(told).toEqual([ALL, ALL]);
  });

  test('the only one there is is refused: all are', () => {
    const { states, access, refuse, told } = setUp('a');
    refuse(states[0]!);
    expect([access.refusal, told]).toEqual([REFUSED, [ALL]]);
  });

  test('one is refused, and another is answered: said of that one, once for each time', () => {
    const { states, access, refuse, told } = setUp('a', 'b');
    refuse(states[0]!);
    access.answered('b');
    access.answered('b');
    expect(told).toEqual(['log refused a: forbidden']);
    refuse(states[0]!);
    expect([access.refusal, told.length]).toEqual([undefined, 1]);
    access.answered('b');
    expect(told).toHaveLength(2);
  });

  test('answered before, and refused now, the others as well: all are refused', () => {
    const { states, access, refuse } = setUp('a', 'b');
    for (const { summary } of states) access.answered(summary.id);
    for (const state of states) refuse(state);
    expect(access.refusal).toBe(REFUSED);
  });

  test('one that fails for another reason says nothing of it, and neither does one that is not polled', () => {
    const { states, access, refuse } = setUp('a', 'b', 'c');
    states[1]!.failures = 1;
    states[2]!.life = 'waiting';
    refuse(states[0]!);
    expect(access.refusal).toBe(REFUSED);
  });

  test('only drained ones are left: one of them is looked at before it is concluded', () => {
    const { states, access, refuse, told, clock } = setUp('a', 'b', 'c');
    for (const state of states.slice(1)) Object.assign(state, { life: 'drained', dueAt: Infinity });
    refuse(states[0]!);
    expect(access.refusal).toBeUndefined();
    expect(states.map(({ dueAt }) => dueAt)).toEqual([0, clock.monotonic(), Infinity]);
    refuse(states[1]!);
    expect(access.refusal).toBe(REFUSED);
    access.answered('c');
    expect([access.refusal, told]).toEqual([undefined, [ALL, 'logs granted']]);
    refuse(states[0]!);
    access.answered('b');
    expect(told.at(-1)).toBe('log refused a: forbidden');
  });

  test('the probe is one that was not asked yet, else the one that was refused longest ago, and none that is busy', () => {
    const { states, access, refuse, add } = setUp('a', 'b', 'c');
    for (const state of states) refuse(state);
    expect(access.chooseProbe()).toBe(states[0]);
    refuse(states[0]!);
    expect(access.chooseProbe()).toBe(states[1]);
    states[1]!.busy = true;
    expect(access.chooseProbe()).toBe(states[2]);
    const late = add('late');
    expect(access.chooseProbe()).toBe(late);
    for (const state of states) state.life = 'gone';
    expect(access.chooseProbe()).toBeUndefined();
  });

  test('ever less often, up to a bound; answered, all that were refused are due at once', async () => {
    const { states, access, refuse, clock, told } = setUp('a', 'b');
    for (const state of states) refuse(state);
    const pauses: number[] = [];
    for (let probe = 0; probe < 8; probe++) {
      pauses.push(access.probeAt! - clock.monotonic());
      await clock.pass(access.probeAt! - clock.monotonic());
      access.probing();
      refuse(access.chooseProbe()!);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    for (const state of states) state.dueAt = Infinity;
    access.answered('a');
    expect([access.refusal, access.probeAt]).toEqual([undefined, undefined]);
    expect(states[1]).toMatchObject({ failures: 0, dueAt: clock.monotonic() });
    expect(told.at(-1)).toBe('logs granted');
  });
});
