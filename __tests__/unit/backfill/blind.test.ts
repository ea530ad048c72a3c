import { expect, test } from '@jest/globals';
import { sendBlindly, type BlindOutcome } from '../../../src/backfill/blind.js';
import { fingerprint } from '../../../src/collector/fingerprint.js';
import type { LineBatch } from '../../../src/collector/line-batch.js';
import type { StreamName } from '../../../src/model/container.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { containerNamed, START } from '../../support/audit-fixture.js';
import { never } from '../../support/engine-api.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ModelLog } from '../../support/model-log.js';
import { ObjectBatch } from '../../support/strict-loki.js';

const web = containerNamed('web');
const SECOND = NS_PER_SECOND;
const LINES = 100;

/** A log with a line each 1,000 s. */
function writtenLog(): ModelLog {
  const log = new ModelLog();
  for (let i = 0; i < LINES; i++) {
    const stamp = START + BigInt(i) * 1000n * SECOND;
    log.entries.push({ stream: 1, stamp, text: Buffer.from(`line ${i}`), terminated: true });
  }
  return log;
}

function cursorAt(log: ModelLog, number: number, hash?: string): Cursor {
  const { stamp, text } = log.entries[number]!;
  return {
    containerId: web.id,
    containerName: 'web',
    anchor: [{ stream: 'stdout', stamp, hash: hash ?? fingerprint(text, 0, text.length, 0) }],
    open: [],
    moved: {},
    committedAt: 0n,
  };
}

async function sendOf(
  log: ModelLog,
  cursor: Cursor | undefined,
  from = START,
): Promise<BlindOutcome & { sent: string[] }> {
  const sent: string[] = [];
  let outcome: BlindOutcome | undefined;
  const failure = await sendBlindly(
    {
      engine: { inspect: async () => web },
      logs: { read: log.read, sinceSemantics: () => 'seek', maxLineBytes: 1024, moveEqualStamps: false },
      clock: new ManualClock(START + 1_000_000n * SECOND),
      settings: { concurrency: 1, settleMs: 0 },
      containers: [web],
      range: { from, until: START + 200_000n * SECOND },
      newBatch: (_, stream: StreamName) => new ObjectBatch(stream, 10, 1_000_000n * SECOND),
      batchBytes: 1000,
      push: async (batch: LineBatch) => {
        const { lines } = batch as ObjectBatch;
        sent.push(...lines.map(({ text }) => text));
        return { accepted: lines.length, rejected: 0 };
      },
      cursorOf: async () => cursor,
      onBegin: () => undefined,
      onDone: async (_, each) => {
        outcome = each;
      },
    },
    never,
  );
  expect(failure).toBeUndefined();
  return { ...outcome!, sent };
}

test('without a cursor all lines of the range are sent', async () => {
  const { lines, pending, sent } = await sendOf(writtenLog(), undefined, START + 10_000n * SECOND);
  expect({ lines, pending, first: sent[0] }).toEqual({ lines: LINES - 10, pending: 0, first: 'line 10' });
});

test('lines after the cursor are left to the service, and the log is read once where the cursor is near its end', async () => {
  const log = writtenLog();
  const { lines, pending, sent } = await sendOf(log, cursorAt(log, 79));
  expect({ lines, pending, sent: sent.length }).toEqual({ lines: 80, pending: 20, sent: 80 });
  // Looks at the last entry, for the beginning and for the cursor's place; and the reading.
  expect(log.reads).toBe(4);
});

test('where the place of the cursor is not in the log, all is left to the service', async () => {
  const log = writtenLog();
  const { lines, pending, sent } = await sendOf(log, cursorAt(log, 79, '0000000000000000'));
  expect({ lines, pending, sent }).toEqual({ lines: 0, pending: LINES, sent: [] });
});

test('where the range begins after the cursor, all of it is left to the service', async () => {
  const log = writtenLog();
  const { lines, pending, sent } = await sendOf(log, cursorAt(log, 10), START + 50_000n * SECOND);
  expect({ lines, pending, sent }).toEqual({ lines: 0, pending: LINES - 50, sent: [] });
});
