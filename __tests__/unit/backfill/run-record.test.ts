import { expect, test } from '@jest/globals';
import { newRun, type RunProgress } from '../../../src/backfill/progress.js';
import { RunRecord } from '../../../src/backfill/run-record.js';
import { ManualClock } from '../../support/manual-clock.js';

test('what a container was sent in several passes adds up, also when Loki was away between them', async () => {
  const written: RunProgress[] = [];
  const record = new RunRecord(
    new ManualClock(),
    newRun('a', { from: 0n, until: 9n }, '[]', 0n),
    async (run) => {
      written.push(run);
      await Promise.resolve();
    },
  );
  await record.sent('id', { sent: 3, sentUnderLabel: 1 });
  await record.sent('id', { sent: 5, sentUnderLabel: 1 });
  record.beginPass();
  expect(record.sentBefore('id')).toEqual({ sent: 5, sentUnderLabel: 1 });
  await record.sent('id', { sent: 2, sentUnderLabel: 2 });
  await record.end();
  expect(written.at(-1)?.open).toEqual({ id: { sent: 7, sentUnderLabel: 3 } });
});
