import { describe, expect, test } from '@jest/globals';
import type { LogSource } from '../../../src/collector/log-source.js';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { reachAround, type Recovered } from '../../../src/collector/recovery.js';
import { transfer, type TransferContext } from '../../../src/collector/transfer.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { refOf } from '../../support/any-container.js';
import { cursorOf } from '../../support/any-cursor.js';
import { never } from '../../support/engine-api.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ModelLog } from '../../support/model-log.js';
import { ObjectBatch, StrictLoki } from '../../support/strict-loki.js';

const T = 1_700_000_000n * NS_PER_SECOND;
const DELIVERED = 40;
const ENTRIES = 100;
const DAEMON_ERROR = new LogBodyError('daemon_error', 'cannot be read');
const container = refOf();

/** A log of which the first entries were delivered, and a search that begins there. */
async function setUp() {
  const log = new ModelLog();
  const loki = new StrictLoki();
  /** A wider window is answered with the daemon's error. */
  const engine = { readable: Infinity };
  /** What the next requests fail with, one each. */
  const failures: (Error | undefined)[] = [];
  const read: LogSource = async (request, sink) => {
    const failure = failures.shift();
    if (failure !== undefined) return { bytes: 0, fault: failure };
    if ((request.tail ?? Infinity) > engine.readable) return { bytes: 0, fault: DAEMON_ERROR };
    return await log.read(request, sink);
  };
  const context: TransferContext = {
    read,
    newBatch: (_container, stream) => new ObjectBatch(stream, 1000, 1800n * NS_PER_SECOND),
    push: async (batch) => loki.accept((batch as ObjectBatch).lines),
    commit: async () => undefined,
    onGap: () => undefined,
    budget: new MemoryBudget(1_000_000),
    clock: new ManualClock(),
    settings: {
      anchor: 32,
      batchBytes: 10_000,
      batchAge: 60_000,
      maxSpan: 1800n * NS_PER_SECOND,
      maxWaiting: 2,
      maxLineBytes: 1_000_000,
      moveEqualStamps: false,
      gapMarker: false,
    },
  };
  const write = (from: number, to: number): void => {
    for (let n = from; n < to; n++) {
      log.entries.push({ stream: 1, stamp: T + BigInt(n), text: Buffer.from(`line ${n}`), terminated: true });
    }
  };
  write(0, DELIVERED);
  const request = { container, cursor: cursorOf(1, 1), ended: false, signal: never };
  const { cursor } = await transfer(context, request);
  loki.stored.clear();
  write(DELIVERED, ENTRIES);
  return {
    engine,
    failures,
    reach: async (readPast = false): Promise<Recovered | undefined> =>
      await reachAround(context, { container, cursor, ended: false, signal: never, readPast }),
    lines: () => [...loki.stored.values()].map(({ text }) => text),
  };
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}`);

describe('what follows a damaged place is reached by the widest window that is answered in full', () => {
  test.each([1, 2, 37, 59])(
    'of %d entries: they are delivered, and those before them named',
    async (count) => {
      const { engine, reach, lines } = await setUp();
      engine.readable = count;
      const found = await reach();
      expect(lines()).toEqual(numbers(ENTRIES - count, ENTRIES));
      expect(found).toMatchObject({
        readable: count,
        result: {
          gap: {
            cause: 'unreadable',
            lastDelivered: T + BigInt(DELIVERED - 1),
            firstAvailable: T + BigInt(ENTRIES - count),
          },
        },
      });
    },
  );

  test('one that reaches back to what was delivered leaves no gap', async () => {
    const { engine, reach, lines } = await setUp();
    engine.readable = 70;
    const found = await reach();
    expect(lines()).toEqual(numbers(DELIVERED, ENTRIES));
    expect(found).toMatchObject({ readable: 70, result: { gap: undefined } });
  });

  test('nothing is delivered where the log was read past the place and nothing is missing', async () => {
    const { reach, lines } = await setUp();
    expect(await reach(true)).toEqual({ readable: ENTRIES, result: undefined });
    expect(lines()).toEqual([]);
  });

  test('there is none where not even the last entry is answered', async () => {
    const { engine, reach, lines } = await setUp();
    engine.readable = 0;
    expect(await reach()).toBeUndefined();
    expect(lines()).toEqual([]);
  });
});

describe('an error in the midst of the search', () => {
  /** Each request but the first, without which nothing is searched for. */
  const PLACES = Array.from({ length: 20 }, (_, place) => place + 1);

  test.each(PLACES)(
    'of the daemon, which passes by (request %d): no entry is named as missing',
    async (place) => {
      const { failures, reach, lines } = await setUp();
      failures.push(...Array<undefined>(place).fill(undefined), DAEMON_ERROR);
      expect(await reach()).toMatchObject({ readable: ENTRIES, result: { gap: undefined } });
      expect(lines()).toEqual(numbers(DELIVERED, ENTRIES));
    },
  );

  test('that is no sign of damage tells nothing of the log: the search is given up', async () => {
    const { engine, failures, reach, lines } = await setUp();
    engine.readable = 1;
    const broken = new LogBodyError('truncated', 'the answer broke off');
    // Of one entry, and of two; then of two again, which is to show the damage.
    failures.push(undefined, undefined, broken);
    await expect(reach()).rejects.toBe(broken);
    expect(lines()).toEqual([]);
  });
});
