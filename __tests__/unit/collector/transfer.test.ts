import { expect, test } from '@jest/globals';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { transfer, type TransferContext } from '../../../src/collector/transfer.js';
import type { StreamName } from '../../../src/model/container.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { refOf } from '../../support/any-container.js';
import { cursorOf } from '../../support/any-cursor.js';
import { never } from '../../support/engine-api.js';
import { ManualClock, settle } from '../../support/manual-clock.js';
import { ModelLog } from '../../support/model-log.js';
import { ObjectBatch } from '../../support/strict-loki.js';

const T = 1_700_000_000n * NS_PER_SECOND;

test('a fault at the end of an answer is reported when what was sent has ended', async () => {
  const log = new ModelLog();
  log.entries = [
    { stream: 1, stamp: T, text: Buffer.from('sent while the answer is read'), terminated: true },
    { stream: 2, stamp: T, text: Buffer.from('open at the end'), terminated: false },
  ];
  let signal: AbortSignal | undefined;
  let endPush = (): void => undefined;
  const budget = new MemoryBudget(1_000_000);
  const context: TransferContext = {
    read: log.read,
    newBatch: (_container, stream: StreamName) => {
      if (stream === 'stderr') throw new Error('no labels for stderr');
      return new ObjectBatch(stream, 100, 1800n * NS_PER_SECOND);
    },
    push: async (_batch, given) => {
      signal = given;
      await new Promise<void>((resolve) => (endPush = resolve));
      throw new Error('was aborted');
    },
    commit: async () => undefined,
    onGap: () => undefined,
    budget,
    clock: new ManualClock(),
    settings: {
      anchor: 32,
      batchBytes: 1,
      batchAge: 60_000,
      maxSpan: 1800n * NS_PER_SECOND,
      maxWaiting: 2,
      maxLineBytes: 1_000_000,
      moveEqualStamps: false,
      gapMarker: true,
    },
  };
  let outcome: unknown;
  const request = { container: refOf(), cursor: cursorOf(1, 1), ended: true, signal: never };
  const done = transfer(context, request).catch((error: unknown) => (outcome = error));
  await settle();
  expect(signal?.aborted).toBe(true);
  expect(outcome).toBeUndefined();
  endPush();
  await done;
  expect(outcome).toMatchObject({ message: 'no labels for stderr' });
  expect(budget.used).toBe(0);
});
