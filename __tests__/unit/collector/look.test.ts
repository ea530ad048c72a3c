import { look, sameEntry } from '../../../src/collector/look.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { refOf } from '../../support/any-container.js';
import { ModelLog } from '../../support/model-log.js';

const T = 1_700_000_000n * NS_PER_SECOND;
const never = new AbortController().signal;

function logOf(...stamps: bigint[]): ModelLog {
  const log = new ModelLog();
  log.entries = stamps.map((stamp) => ({ stream: 1, stamp, text: Buffer.from('x'), terminated: true }));
  return log;
}

describe('a look at the end of a log', () => {
  test('tells the last entries in file order, whatever their stamps, and how many there were', async () => {
    const log = logOf(T, T + 2n, T + 1n);
    const seen = await look(log.read, refOf(), 2, 5, never);
    expect(seen.last.map(({ stamp, stream }) => [stamp, stream])).toEqual([
      [T + 2n, 'stdout'],
      [T + 1n, 'stdout'],
    ]);
    expect([seen.entries, seen.fault]).toEqual([2, undefined]);
  });

  test('keeps only as many as asked for', async () => {
    const seen = await look(logOf(T, T + 1n, T + 2n).read, refOf(), 3, 1, never);
    expect(seen.last.map(({ stamp }) => stamp)).toEqual([T + 2n]);
    expect(seen.entries).toBe(3);
  });

  test('of a log with nothing in it', async () => {
    expect(await look(logOf().read, refOf(), 1, 1, never)).toEqual({
      last: [],
      entries: 0,
      bytes: 0,
      isLone: false,
      fault: undefined,
    });
  });

  test('tells why an answer was cut short, and what came before', async () => {
    const log = logOf(T, T + 1n, T + 2n);
    log.cutAfter = 2;
    const seen = await look(log.read, refOf(), 3, 3, never);
    expect(seen.fault?.message).toBe('broke off');
    expect(seen.entries).toBe(2);
  });
});

test('an entry is known by stamp and stream, not by how many equal ones came before it', () => {
  const a = { stamp: T, stream: 'stdout' as const, hash: '0'.repeat(16) };
  expect(sameEntry(a, { ...a, hash: '1'.repeat(16) })).toBe(true);
  expect(sameEntry(a, { ...a, stamp: T + 1n })).toBe(false);
  expect(sameEntry(a, { ...a, stream: 'stderr' })).toBe(false);
  expect([sameEntry(undefined, a), sameEntry(a, undefined), sameEntry(undefined, undefined)]).toEqual([
    false,
    false,
    false,
  ]);
});
