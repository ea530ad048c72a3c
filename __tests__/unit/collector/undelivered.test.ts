import { expect, test } from '@jest/globals';
import { Undelivered } from '../../../src/collector/undelivered.js';

function pending(oldest: bigint | undefined): { oldest: bigint | undefined } {
  return { oldest };
}

test('nothing is known at first, and once all was delivered', () => {
  const lines = new Undelivered();
  expect(lines.oldest).toBeUndefined();
  lines.follow(pending(5n));
  lines.done();
  expect(lines.oldest).toBeUndefined();
});

test('the oldest line under way, as it is at the time', () => {
  const lines = new Undelivered();
  const answer = pending(5n);
  lines.follow(answer);
  expect(lines.oldest).toBe(5n);
  answer.oldest = 7n;
  expect(lines.oldest).toBe(7n);
  answer.oldest = undefined;
  expect(lines.oldest).toBeUndefined();
});

test('what was not acknowledged stays known when the poll ends, and in the next one', () => {
  const lines = new Undelivered();
  lines.follow(pending(5n));
  lines.stop();
  expect(lines.oldest).toBe(5n);
  lines.follow(pending(6n));
  expect(lines.oldest).toBe(5n);
  lines.follow(pending(undefined));
  expect(lines.oldest).toBe(5n);
});

test('the cursor moves past what was left of earlier answers', () => {
  const lines = new Undelivered();
  lines.follow(pending(5n));
  lines.stop();
  lines.committed(3n);
  expect(lines.oldest).toBe(5n);
  lines.committed(8n);
  expect(lines.oldest).toBe(8n);
});

test('of an answer that was cut off, more follows its last line', () => {
  const lines = new Undelivered();
  lines.cutOff(9n);
  expect(lines.oldest).toBe(9n);
  lines.cutOff(12n);
  expect(lines.oldest).toBe(9n);
});
