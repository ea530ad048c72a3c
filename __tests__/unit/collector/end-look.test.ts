import { expect, test } from '@jest/globals';
import { isPlaceAlone, lookAtEnd } from '../../../src/collector/end-look.js';
import { fingerprint } from '../../../src/collector/fingerprint.js';
import type { Cursor } from '../../../src/model/cursor.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { refOf } from '../../support/any-container.js';
import { cursorOf } from '../../support/any-cursor.js';
import { never } from '../../support/engine-api.js';
import { ModelLog } from '../../support/model-log.js';

const T = 1_700_000_000n * NS_PER_SECOND;

/** A log with entries of these stamps, and the cursor behind one of them. */
function setUp(stamps: readonly bigint[], delivered: bigint, text = 'x', terminated = true) {
  const log = new ModelLog();
  log.entries = stamps.map((stamp) => ({ stream: 1, stamp, text: Buffer.from(text), terminated }));
  const hash = fingerprint(Buffer.from('x'), 0, 1, 0);
  const last = { stamp: delivered, stream: 'stdout' as const, hash };
  const cursor: Cursor = { ...cursorOf(1, 5), anchor: [last] };
  return { log, lookNow: async () => await lookAtEnd({ read: log.read }, refOf(), cursor, never) };
}

test.each([
  { what: 'the entry delivered last', stamps: [T, T + 1n], found: 'same' },
  { what: 'another entry', stamps: [T, T + 1n, T + 2n], found: 'grown' },
  { what: 'nothing, as an emptied log and one whose last record is damaged', stamps: [], found: 'unclear' },
])('a log that ends with $what: $found', async ({ stamps, found }) => {
  const { lookNow } = setUp(stamps, T + 1n);
  const look = await lookNow();
  expect(look.found).toBe(found);
  expect(look.report).toMatchObject({ fresh: 0, requests: 1, cursor: { committedAt: 5n } });
});

test.each([
  { what: 'has another text', last: { text: 'y' } },
  { what: 'has no newline, as a chunk of a line', last: { terminated: false } },
  { what: 'has a timestamp of a whole second, as others may', last: { stamp: T } },
])(
  'a last entry with the timestamp of the one delivered last may be another one: it $what',
  async ({ last }) => {
    const {
      stamp = T + 1n,
      text = 'x',
      terminated = true,
    } = last as { stamp?: bigint; text?: string; terminated?: boolean };
    expect((await setUp([stamp], stamp, text, terminated).lookNow()).found).toBe('unclear');
  },
);

test('so may a chunk that is full', async () => {
  const { log, lookNow } = setUp([], T + 1n);
  const text = Buffer.alloc(16 * 1024, 'x');
  const hash = fingerprint(text, 0, text.length, 0);
  log.entries.push({ stream: 1, stamp: T + 1n, text, terminated: true });
  const cursor: Cursor = { ...cursorOf(1, 5), anchor: [{ stamp: T + 1n, stream: 'stdout', hash }] };
  expect((await lookAtEnd({ read: log.read }, refOf(), cursor, never)).found).toBe('unclear');
  expect((await lookNow()).found).toBe('unclear');
});

test('a log that shows nothing ends where it was left if nothing of it was delivered', async () => {
  const { log } = setUp([], T);
  const look = await lookAtEnd({ read: log.read }, refOf(), { ...cursorOf(1, 5), anchor: [] }, never);
  expect(look.found).toBe('same');
});

test('an answer that was cut short does not show the end', async () => {
  const { log, lookNow } = setUp([T, T + 1n], T + 1n);
  log.cutAfter = 0;
  expect((await lookNow()).found).toBe('unclear');
});

test('a look at the end is enough when no line is open and all that was delivered was looked through', () => {
  const cursor = cursorOf(1, 5);
  const open = [{ stream: 'stdout' as const, stamp: T, text: Buffer.from('x'), cut: false }];
  const soundUpTo = { anchor: [], open: [], moved: {} };
  expect(isPlaceAlone(cursor)).toBe(true);
  expect(isPlaceAlone({ ...cursor, open })).toBe(false);
  expect(isPlaceAlone({ ...cursor, soundUpTo })).toBe(false);
});
