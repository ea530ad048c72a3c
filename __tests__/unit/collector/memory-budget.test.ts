import fc from 'fast-check';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { settle } from '../../support/manual-clock.js';

describe('the bytes that wait for Loki', () => {
  test('readers stop when they are used up, and go on when enough was given back', async () => {
    const budget = new MemoryBudget(100);
    await budget.room();
    budget.take(99);
    expect(budget.exhausted).toBe(false);
    await budget.room();
    budget.take(1);
    expect([budget.exhausted, budget.used]).toEqual([true, 100]);
    let passed = 0;
    void budget.room().then(() => passed++);
    void budget.room().then(() => passed++);
    await settle();
    expect(passed).toBe(0);
    budget.take(50);
    budget.give(50);
    await settle();
    expect(passed).toBe(0);
    budget.give(1);
    await settle();
    expect(passed).toBe(2);
  });

  test('taken again before the waiting one looks, it waits on', async () => {
    const budget = new MemoryBudget(10);
    budget.take(10);
    let passed = false;
    const waiting = budget.room().then(() => (passed = true));
    budget.give(10);
    budget.take(10);
    await settle();
    expect(passed).toBe(false);
    budget.give(10);
    await waiting;
  });

  test('any order: nobody passes while it is used up, and in the end everybody', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('take' as const), bytes: fc.nat(60) }),
      fc.record({ kind: fc.constant('give' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('wait' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const budget = new MemoryBudget(100);
        const taken: number[] = [];
        let waiting = 0;
        for (const todo of steps) {
          if (todo.kind === 'take') {
            budget.take(todo.bytes);
            taken.push(todo.bytes);
          } else if (todo.kind === 'give') {
            const [bytes] = taken.splice(todo.which % Math.max(taken.length, 1), 1);
            if (bytes !== undefined) budget.give(bytes);
          } else {
            waiting++;
            void budget.room().then(() => waiting--);
          }
          const sum = taken.reduce((a, b) => a + b, 0);
          expect([budget.used, budget.exhausted]).toEqual([sum, sum >= 100]);
          const before = waiting;
          await Promise.resolve();
          await Promise.resolve();
          await Promise.resolve();
          if (budget.exhausted) expect(waiting).toBe(before);
          else expect(waiting).toBe(0);
        }
        for (const bytes of taken) budget.give(bytes);
        await settle();
        expect([waiting, budget.used]).toEqual([0, 0]);
      }),
    );
  });
});
