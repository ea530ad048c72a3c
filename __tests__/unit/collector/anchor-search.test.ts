import { expect, test } from '@jest/globals';
import { entryOf } from '../../../src/collector/anchor-ring.js';
import { searchAnchor } from '../../../src/collector/anchor-search.js';
import type { LogSource, LogsRequest } from '../../../src/collector/log-source.js';
import type { ContainerRef } from '../../../src/model/container.js';

const web: ContainerRef = {
  id: 'a',
  name: 'web',
  image: 'i',
  labels: {},
  state: 'running',
  created: 0n,
  tty: false,
  logDriver: 'json-file',
  startedAt: 1n,
  finishedAt: 0n,
  running: true,
};
const SECONDS = 1_700_000_000;
const never = new AbortController().signal;

/** Entries of one stamp, one a piece; each piece lies where the one before it did. */
function source(texts: readonly string[], fault?: Error): { read: LogSource; asked: LogsRequest[] } {
  const asked: LogsRequest[] = [];
  const read: LogSource = async (request, sink) => {
    asked.push(request);
    const piece = Buffer.alloc(16);
    for (const text of texts) {
      const end = piece.write(text);
      sink.entry(1, SECONDS, 0, piece, 0, end, true);
      sink.letGo?.();
      piece.fill('?');
    }
    return { bytes: 1, ...(fault === undefined ? {} : { fault }) };
  };
  return { read, asked };
}

function entry(text: string, repeat: number) {
  const bytes = Buffer.from(text);
  return entryOf(1, SECONDS, 0, bytes, 0, bytes.length, repeat);
}

test('finds the anchor behind equal entries of which the bytes are overwritten, and tells the first entry', async () => {
  const { read, asked } = source(['a', 'a', 'a', 'b']);
  const anchor = [entry('a', 1), entry('a', 2)];
  expect(await searchAnchor(read, web, { anchor, open: [] }, 7, never)).toEqual({
    found: true,
    entries: 4,
    first: entry('a', 0),
    fault: undefined,
  });
  expect(asked).toMatchObject([{ containerId: 'a', containerName: 'web', tail: 7, tty: false }]);
  expect(asked[0]).not.toHaveProperty('since');
});

test('does not find what is not there, and passes on how the answer ended', async () => {
  const fault = new Error('cut short');
  const { read } = source(['a', 'b'], fault);
  expect(await searchAnchor(read, web, { anchor: [entry('a', 1)], open: [] }, 7, never)).toMatchObject({
    found: false,
    fault,
  });
  expect(await searchAnchor(source([]).read, web, { anchor: [entry('a', 0)], open: [] }, 7, never)).toEqual({
    found: false,
    entries: 0,
    first: undefined,
    fault: undefined,
  });
});
