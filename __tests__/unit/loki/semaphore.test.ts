import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Semaphore } from '../../../src/loki/semaphore.js';
import { settle } from '../../support/manual-clock.js';

const never = new AbortController().signal;

/** Asks in order, and writes down in which order the slots come. */
function asker(semaphore: Semaphore): {
  ask: (name: string, signal?: AbortSignal) => void;
  came: string[];
  release: Map<string, () => void>;
  gone: Map<string, unknown>;
} {
  const came: string[] = [];
  const release = new Map<string, () => void>();
  const gone = new Map<string, unknown>();
  const ask = (name: string, signal = never): void => {
    semaphore.acquire(signal).then(
      (back) => {
        came.push(name);
        release.set(name, back);
      },
      (reason: unknown) => gone.set(name, reason),
    );
  };
  return { ask, came, release, gone };
}

describe('slots', () => {
  test('so many at a time, in the order they were asked for', async () => {
    const { ask, came, release } = asker(new Semaphore(2));
    for (const name of ['a', 'b', 'c', 'd']) ask(name);
    await settle();
    expect(came).toEqual(['a', 'b']);
    release.get('b')?.();
    await settle();
    expect(came).toEqual(['a', 'b', 'c']);
    release.get('a')?.();
    await settle();
    expect(came).toEqual(['a', 'b', 'c', 'd']);
  });

  test('given back twice count once', async () => {
    const { ask, came, release } = asker(new Semaphore(1));
    for (const name of ['a', 'b', 'c']) ask(name);
    await settle();
    release.get('a')?.();
    release.get('a')?.();
    await settle();
    expect(came).toEqual(['a', 'b']);
  });
});

describe('a signal', () => {
  test('that aborted before: its reason, and no slot is used up', async () => {
    const semaphore = new Semaphore(1);
    const reason = new Error('stopped');
    await expect(semaphore.acquire(AbortSignal.abort(reason))).rejects.toBe(reason);
    const { ask, came } = asker(semaphore);
    ask('a');
    await settle();
    expect(came).toEqual(['a']);
  });

  test('that aborts gives the place in the queue to the next', async () => {
    const { ask, came, release, gone } = asker(new Semaphore(1));
    const stop = new AbortController();
    ask('a');
    ask('b', stop.signal);
    ask('c');
    await settle();
    const reason = new Error('stopped');
    stop.abort(reason);
    await settle();
    expect(gone.get('b')).toBe(reason);
    release.get('a')?.();
    await settle();
    expect(came).toEqual(['a', 'c']);
  });

  test('that aborts while one holds the slot takes nothing away', async () => {
    const { ask, came, gone } = asker(new Semaphore(1));
    const stop = new AbortController();
    ask('a', stop.signal);
    await settle();
    stop.abort(new Error('stopped'));
    ask('b');
    await settle();
    expect([came, gone.size]).toEqual([['a'], 0]);
  });
});

test('whatever happens: never more than allowed, and none is left out in the end', async () => {
  const anyStep = fc.record({ kind: fc.constantFrom('ask', 'release', 'abort'), which: fc.nat(30) });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(anyStep, { maxLength: 40 }),
      async (slots, steps) => {
        const { ask, came, release, gone } = asker(new Semaphore(slots));
        const stops = new Map<string, AbortController>();
        const released = new Set<string>();
        const giveBack = (name: string | undefined): void => {
          if (name === undefined) return;
          released.add(name);
          release.get(name)?.();
        };
        for (const [n, { kind, which }] of steps.entries()) {
          if (kind === 'ask') {
            const stop = new AbortController();
            stops.set(String(n), stop);
            ask(String(n), stop.signal);
          } else if (kind === 'release') giveBack(came[which % (came.length + 1)]);
          else [...stops.values()][which % (stops.size + 1)]?.abort(new Error('stopped'));
          // Now and then nobody comes to rest between two steps.
          if (which % 2 === 0) await Promise.resolve();
          expect(came.filter((name) => !released.has(name)).length).toBeLessThanOrEqual(slots);
        }
        await settle();
        while (came.some((name) => !released.has(name))) {
          for (const name of came) giveBack(name);
          await settle();
        }
        expect(new Set([...came, ...gone.keys()]).size).toBe(stops.size);
        expect(came.length + gone.size).toBe(stops.size);
      },
    ),
    { numRuns: 60 },
  );
});
