import { expect, test } from '@jest/globals';
import type { LogSource } from '../../../src/collector/log-source.js';
import { look } from '../../../src/collector/look.js';
import { findSoundAnswer } from '../../../src/collector/sound-answer.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { refOf } from '../../support/any-container.js';
import { never } from '../../support/engine-api.js';
import { ModelLog } from '../../support/model-log.js';

const T = 1_700_000_000n * NS_PER_SECOND;
const DELIVERED = 40;
const DAEMON_ERROR = new LogBodyError('daemon_error', 'cannot be read');
const container = refOf();

/** A log, and the anchor behind the first entries of it. */
async function setUp(count: number) {
  const log = new ModelLog();
  const write = (to: number): void => {
    for (let n = log.entries.length; n < to; n++) {
      log.entries.push({ stream: 1, stamp: T + BigInt(n), text: Buffer.from(`line ${n}`), terminated: true });
    }
  };
  write(DELIVERED);
  const { last: anchor } = await look(log.read, container, DELIVERED, 32, never);
  write(count);
  /** With which windows it was asked for more than its last entry. */
  const tails: (number | undefined)[] = [];
  /** What these requests fail with, one each. */
  const failures: (Error | undefined)[] = [];
  const read: LogSource = async (request, sink) => {
    if (request.tail === 1) return await log.read(request, sink);
    tails.push(request.tail);
    const fault = failures.shift();
    return fault === undefined ? await log.read(request, sink) : { bytes: 0, fault };
  };
  const find = async (from = anchor) =>
    await findSoundAnswer(read, container, { anchor: from, open: [] }, never);
  return { log, tails, failures, find };
}

test('the narrowest of the windows that hold the anchor, up to the last entry of the log', async () => {
  const { tails, find } = await setUp(2000);
  const found = await find();
  expect(found?.tail).toBeGreaterThanOrEqual(2000 - DELIVERED);
  expect(found).toEqual({ tail: tails.at(-1) });
  expect(tails.length).toBeGreaterThan(1);
  expect(tails.slice(0, -1).every((tail) => tail !== undefined && tail < 2000 - DELIVERED)).toBe(true);
});

test('without an anchor it is the whole log', async () => {
  const { tails, find } = await setUp(100);
  expect(await find([])).toEqual({ tail: undefined });
  expect(tails).toEqual([undefined]);
});

test('an error of the daemon that passes by is no damage: it is asked for the same again', async () => {
  const { failures, tails, find } = await setUp(DELIVERED + 1);
  failures.push(DAEMON_ERROR, DAEMON_ERROR);
  expect(await find()).toEqual({ tail: 2 });
  expect(tails).toEqual([2, 2, 2]);
});

test('there is none where the error stays: a wider window would meet it as well', async () => {
  const { failures, tails, find } = await setUp(100);
  failures.push(...Array<Error>(100).fill(DAEMON_ERROR));
  expect(await find()).toBeUndefined();
  expect(tails).toHaveLength(3);
});

test('there is none where the answer ends before the last entry, without an error', async () => {
  const { log, find } = await setUp(100);
  const answersAll = log.read;
  log.read = async (request, sink) => {
    const last = request.tail === 1 ? [] : log.entries.splice(-1);
    const answer = await answersAll(request, sink);
    log.entries.push(...last);
    return answer;
  };
  expect(await find()).toBeUndefined();
});

test('an answer that broke off tells nothing of the log', async () => {
  const { failures, find } = await setUp(100);
  const broken = new LogBodyError('truncated', 'the answer broke off');
  failures.push(broken);
  await expect(find()).rejects.toBe(broken);
});
