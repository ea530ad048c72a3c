import { describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { runTogether } from '../../../src/collector/run-together.js';

/** Runs until it is asked to end, and then for a while. */
async function dutiful(name: string, ending: AbortSignal, told: string[]): Promise<void> {
  await new Promise((resolve) => ending.addEventListener('abort', resolve, { once: true }));
  await new Promise((resolve) => setImmediate(resolve));
  told.push(`${name} ended`);
}

describe('what runs together', () => {
  test('ends together, by the signal', async () => {
    const stop = new AbortController();
    const told: string[] = [];
    const running = runTogether(stop.signal, (ending) => [
      dutiful('a', ending, told),
      dutiful('b', ending, told),
    ]);
    stop.abort();
    await running;
    expect(told).toEqual(['a ended', 'b ended']);
  });

  test('when one fails, the others are asked to end and waited for; then that is told', async () => {
    const told: string[] = [];
    const running = runTogether(new AbortController().signal, (ending) => [
      dutiful('a', ending, told),
      Promise.reject(new Error('a fault')),
      dutiful('b', ending, told),
    ]);
    await expect(running).rejects.toThrow('a fault');
    expect(told).toEqual(['a ended', 'b ended']);
  });

  test('of several failures the first is told', async () => {
    const running = runTogether(new AbortController().signal, (ending) => [
      dutiful('a', ending, []).then(() => Promise.reject(new Error('by the end'))),
      Promise.reject(new Error('the cause')),
    ]);
    await expect(running).rejects.toThrow('the cause');
  });

  test('returns what they resolve with, in their order', async () => {
    const { signal } = new AbortController();
    const late = async (): Promise<string> => {
      await new Promise((resolve) => setImmediate(resolve));
      return 'late';
    };
    expect(await runTogether(signal, () => [late(), Promise.resolve('soon')])).toEqual(['late', 'soon']);
  });

  test('an end without anything to end', async () => {
    await runTogether(new AbortController().signal, () => []);
  });

  test('leaves nothing on a signal that lives as long as the process', async () => {
    const stop = new AbortController();
    await runTogether(stop.signal, () => [Promise.resolve()]);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});
