import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './clock.js';
import { NS_PER_MS } from './nanoseconds.js';

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => BigInt(Date.now()) * NS_PER_MS,
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : undefined);
  },
};
