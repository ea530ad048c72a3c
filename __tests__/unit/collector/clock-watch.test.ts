import { ClockWatch } from '../../../src/collector/clock-watch.js';
import { ManualClock } from '../../support/manual-clock.js';

test('a step of the wall clock is told once, in either direction; time that passes and drift are none', async () => {
  const clock = new ManualClock();
  const watch = new ClockWatch(clock);
  await clock.pass(3_600_000);
  expect(watch.look()).toBe(0);
  clock.step(400);
  expect(watch.look()).toBe(0);
  await clock.pass(1000);
  clock.step(-3000);
  expect(watch.look()).toBe(-3000);
  expect(watch.look()).toBe(0);
  clock.step(5000);
  await clock.pass(250);
  expect(watch.look()).toBe(5000);
});
