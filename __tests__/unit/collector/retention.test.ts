import { expect, test } from '@jest/globals';
import { longestPause } from '../../../src/collector/retention.js';
import type { LogLimit } from '../../../src/model/container.js';

const limitOf = (fileBytes: number, files: number): LogLimit => ({
  format: 'json-file',
  fileBytes,
  files,
  attributeBytes: 0,
});

/** An entry takes its text and 75 bytes around it. */
test.each([
  {
    what: 'half of what all files but the one that is written to hold',
    limit: limitOf(1_000_000, 3),
    rate: { entries: 100, lines: 10, bytes: 250 },
    pause: 100_000,
  },
  {
    what: 'a log of one file holds that',
    limit: limitOf(1_000_000, 1),
    rate: { entries: 100, lines: 10, bytes: 250 },
    pause: 50_000,
  },
  {
    what: 'the length of a line is known from one line on',
    limit: limitOf(1_000_000, 2),
    rate: { entries: 100, lines: 1, bytes: 25 },
    pause: 50_000,
  },
  {
    what: 'where the last poll brought no line, entries count as empty',
    limit: limitOf(75_000, 2),
    rate: { entries: 1, lines: 0, bytes: 0 },
    pause: 500_000,
  },
  {
    what: 'a container whose rate is not known may write as quickly as a daemon takes in',
    limit: limitOf(10_000_000, 2),
    rate: { entries: undefined, lines: 0, bytes: 0 },
    pause: 500,
  },
  {
    what: 'one that writes nothing loses nothing',
    limit: limitOf(1_000_000, 2),
    rate: { entries: 0, lines: 10, bytes: 250 },
    pause: Infinity,
  },
])('the longest pause between polls: $what', ({ limit, rate, pause }) => {
  expect(longestPause(limit, rate)).toBe(pause);
});
