import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { describeEngines, runToEnd, texts } from '../../support/engines/index.js';
import { startJournal, type Journal } from '../../support/engines/journald.js';

// What Pollard takes for granted about a real Engine: see since-and-tail.test.ts.

jest.setTimeout(120_000);

describeEngines('Engine facts: the driver journald', (engine) => {
  let journal: Journal;
  beforeAll(async () => {
    journal = await startJournal();
  });
  afterAll(async () => {
    await journal.stop();
  });

  test('an empty line counts for tail, also in 20.10, which does not show it', async () => {
    const cmd = 'echo first; sleep 0.1; echo; sleep 0.1; echo last';
    const container = await runToEnd(engine(), { cmd, logDriver: 'journald' });
    const empty = engine().atLeast(23) ? [''] : [];
    expect(await texts(container, { tail: '1' })).toEqual(['last']);
    expect(await texts(container, { tail: '2' })).toEqual([...empty, 'last']);
    expect(await texts(container, { tail: '3' })).toEqual(['first', ...empty, 'last']);
  });
});
