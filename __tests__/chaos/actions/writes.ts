import { randomBytes } from 'node:crypto';
import { NS_PER_MS, type Nanoseconds } from '../../../src/model/nanoseconds.js';
import type { Action } from './action.js';

const HOUR: Nanoseconds = 3_600_000n * NS_PER_MS;

/** Stamps that Loki refuses, at least where the stream has newer ones. */
const OTHER_TIMES: readonly (readonly [string, Nanoseconds])[] = [
  ['two hours ago', -2n * HOUR],
  ['eight days ago', -8n * 24n * HOUR],
  ['in an hour', HOUR],
];
/** More than the simulated Loki takes, and more than the gateway before it takes. */
const TOO_LONG = [70_000, 120_000] as const;

/** What containers write, beside what they say in each step. */
export const WRITES: readonly Action[] = [
  {
    name: 'a burst of lines',
    side: 'containers',
    weight: 6,
    act: ({ crowd, dice }) => {
      const member = crowd.someone();
      if (member === undefined) return undefined;
      const times = member.weight * dice.between(3, 12);
      for (let time = 0; time < times; time++) member.talker.speak();
      return `${member.name} speaks ${times} times`;
    },
  },
  {
    name: 'lines of another time, which Loki refuses',
    side: 'containers',
    weight: 2,
    act: ({ crowd, dice, clock, step }) => {
      const member = crowd.someone();
      const [when, offset] = dice.pick(OTHER_TIMES);
      if (member === undefined) return undefined;
      const stamp = clock.now() + offset;
      const { container } = member.talker;
      container.writeLine('stdout', `step ${step}: a line of ${when}`, stamp);
      container.writeLine('stderr', `step ${step}: another line of ${when}`, stamp + 1n);
      return `${member.name} writes lines of ${when}`;
    },
  },
  {
    name: 'a line too long for Loki',
    side: 'containers',
    weight: 1,
    act: ({ crowd, dice, step }) => {
      const member = crowd.someone();
      const bytes = dice.pick(TOO_LONG);
      if (member === undefined) return undefined;
      // So that no compression makes it smaller.
      const text = randomBytes(bytes / 2).toString('hex');
      member.talker.container.writeLine('stdout', `step ${step}: ${text}`);
      return `${member.name} writes a line of ${bytes} bytes`;
    },
  },
  {
    name: 'equal lines of one nanosecond, which Loki folds',
    side: 'containers',
    weight: 2,
    act: ({ crowd, dice, clock, step }) => {
      const member = crowd.someone();
      const times = dice.between(2, 5);
      if (member === undefined) return undefined;
      const stamp = clock.now();
      for (let time = 0; time < times; time++) {
        member.talker.container.writeLine('stdout', `step ${step}: again`, stamp);
      }
      return `${member.name} writes a line ${times} times`;
    },
  },
];
