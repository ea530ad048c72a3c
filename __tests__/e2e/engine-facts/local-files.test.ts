import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import {
  describeEngines,
  runContainer,
  runToEnd,
  textsOrError,
  type TestContainer,
} from '../../support/engines/index.js';
import { until } from '../../support/until.js';

// What Pollard takes for granted about a real Engine: see since-and-tail.test.ts.

jest.setTimeout(300_000);

/** The daemon's error and the end of an answer wait in two channels: it is seen in every second answer. */
const TIMES = 20;

describeEngines('Engine facts: files of driver local', (engine) => {
  const pathOf = ({ id }: TestContainer): string =>
    join(engine().dataRoot, 'containers', id, 'local-logs', 'container.log');

  /** A container that has ended and wrote `line 1` to `line 10`, with its file spoilt. */
  const spoilt = async (
    spoil: (file: Buffer, starts: readonly number[]) => Buffer,
  ): Promise<TestContainer> => {
    const cmd = 'for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done';
    const container = await runToEnd(engine(), { cmd, logDriver: 'local' });
    const file = await readFile(pathOf(container));
    await writeFile(pathOf(container), spoil(file, startsOf(file)));
    return container;
  };

  /** No line is shown, in any answer; and the daemon's error in one of them, up to Engine 27.3. */
  const expectNoTail = async (container: TestContainer, tail: string): Promise<void> => {
    const seen = new Set<string>();
    for (let times = 0; times < TIMES; times++) {
      for (const text of await textsOrError(container, { tail })) seen.add(text);
    }
    expect([...seen]).toEqual(engine().atLeast(27, 4) ? [] : ['ERROR']);
  };

  test('emptied under the daemon: up to 20.10 any tail is answered; later none is, until the container ends', async () => {
    const cmd =
      'echo one; while [ ! -e /more ]; do sleep 0.1; done; echo two; while [ ! -e /end ]; do sleep 0.1; done';
    const container = await runContainer(engine(), { cmd, logDriver: 'local' });
    await until('the first line is there', async () => (await textsOrError(container)).includes('one'));
    await truncate(pathOf(container));
    await container.exec('touch /more');
    await until('the second line is there', async () => (await textsOrError(container)).includes('two'));
    if (engine().atLeast(23)) {
      await expectNoTail(container, '1');
      await expectNoTail(container, '100');
    } else {
      expect(await textsOrError(container, { tail: '100' })).toEqual(['two']);
    }
    await container.exec('touch /end');
    await container.wait();
    expect(await textsOrError(container, { tail: '1' })).toEqual(['two']);
  });

  test('the size behind a record: only a tail that reaches back to it meets with it', async () => {
    const container = await spoilt((file, starts) => {
      file.writeUInt32BE(0x7777, (starts[6] as number) - 4);
      return file;
    });
    expect(await textsOrError(container)).toEqual(lines(1, 10));
    expect(await textsOrError(container, { tail: '4' })).toEqual(lines(7, 10));
    await expectNoTail(container, '5');
    await expectNoTail(container, '1000');
  });

  test('a last record that is cut short: no tail is answered, and the whole log ends before it without an error', async () => {
    const container = await spoilt((file) => file.subarray(0, -7));
    expect(await textsOrError(container)).toEqual(lines(1, 9));
    await expectNoTail(container, '1');
    await expectNoTail(container, '1000');
  });
});

function lines(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`);
}

/** Where the records of a file begin: each has its size before and after it (moby: daemon/logger/local/doc.go). */
function startsOf(file: Buffer): number[] {
  const starts: number[] = [];
  for (let at = 0; at < file.length; at += file.readUInt32BE(at) + 8) starts.push(at);
  return starts;
}
