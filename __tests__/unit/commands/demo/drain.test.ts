import { expect, test } from '@jest/globals';
import { drained, isLeftAlone, isReadSince } from '../../../../src/commands/demo/drain.js';
import type { ContainerStatus } from '../../../../src/commands/wiring/status-parts.js';
import { never } from '../../../support/engine-api.js';
import { ManualClock } from '../../../support/manual-clock.js';

const status = (name: string, life: string, read: number | null = null): ContainerStatus =>
  ({ name, life, read_seconds_ago: read }) as ContainerStatus;

async function setUp(containers: ContainerStatus[], lines: () => number = () => 0) {
  const clock = new ManualClock();
  const done: ContainerStatus[][] = [];
  const options = {
    clock,
    containers: () => containers,
    isDone: isLeftAlone,
    lines,
    patience: 1000,
    longest: 5000,
  };
  void drained(options, never).then((left) => done.push(left));
  await clock.pass(0);
  return { clock, done };
}

test('ends when all is read', async () => {
  const containers = [status('a', 'active'), status('b', 'drained')];
  const { clock, done } = await setUp(containers);
  await clock.pass(900);
  expect(done).toEqual([]);
  containers[0] = status('a', 'drained');
  await clock.pass(100);
  expect(done).toEqual([[]]);
});

test('has patience as long as there is progress, and then says who is left', async () => {
  let lines = 0;
  const { clock, done } = await setUp([status('a', 'active')], () => lines);
  for (; lines < 4; lines++) await clock.pass(900);
  expect(done).toEqual([]);
  await clock.pass(1200);
  expect(done).toMatchObject([[{ name: 'a' }]]);
});

test('has an end although there is progress without end', async () => {
  let lines = 0;
  const { clock, done } = await setUp([status('a', 'active')], () => lines++);
  await clock.pass(4900);
  expect(done).toEqual([]);
  await clock.pass(300);
  expect(done).toMatchObject([[{ name: 'a' }]]);
});

test('is ended by whatever breaks', async () => {
  const clock = new ManualClock();
  const broken = new AbortController();
  const options = { clock, containers: () => [status('a', 'active')], isDone: isLeftAlone, lines: () => 0 };
  const draining = drained(options, broken.signal);
  broken.abort(new Error('the simulated Engine ended'));
  await expect(draining).rejects.toThrow('the simulated Engine ended');
});

test('of containers that go on a poll must have begun since', () => {
  const isDone = isReadSince(() => 2);
  expect(isDone(status('a', 'active', 1.9))).toBe(true);
  expect(isDone(status('a', 'active', 2))).toBe(false);
  expect(isDone(status('a', 'active', null))).toBe(false);
  expect(isDone(status('a', 'gone', 100))).toBe(true);
});
