import { readFile, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import {
  chunkAt,
  containerWithLog,
  describeEngines,
  frames,
  gzip,
  lineAt,
  runToEnd,
  sinceAt,
  stampAt,
  texts,
} from '../../support/engines/index.js';
import type { JsonLogEntry } from '../../support/engines/index.js';

// What Pollard takes for granted about a real Engine. No code of Pollard runs here: a failure means that the
// Engine is not as Pollard, and its simulator, believe.

jest.setTimeout(120_000);

describeEngines('Engine facts: since, until, tail', (engine) => {
  test('stamps out of order: up to 23 every older line is dropped, from 24 only those before the first', async () => {
    const container = await containerWithLog(engine(), {
      current: [
        lineAt(10, 'a'),
        lineAt(20, 'b'),
        lineAt(5, 'stepped back'),
        lineAt(15, 'c'),
        lineAt(30, 'd'),
      ],
    });
    const found = engine().atLeast(24) ? ['b', 'stepped back', 'c', 'd'] : ['b', 'd'];
    expect(await texts(container, { since: sinceAt(20) })).toEqual(found);
    // A window of tail changes nothing in that, but where the first is looked for.
    expect(await texts(container, { since: sinceAt(20), tail: '4' })).toEqual(found);
    expect(await texts(container, { since: sinceAt(20), tail: '3' })).toEqual(['d']);
  });

  test('since and until are inclusive to the nanosecond', async () => {
    const entry = (nanos: number): JsonLogEntry => ({ ...lineAt(7, String(nanos)), time: stampAt(7, nanos) });
    const container = await containerWithLog(engine(), { current: [entry(1), entry(2), entry(3), entry(4)] });
    expect(await texts(container, { since: sinceAt(7, 2) })).toEqual(['2', '3', '4']);
    expect(await texts(container, { until: sinceAt(7, 3) })).toEqual(['1', '2', '3']);
    expect(await texts(container, { since: sinceAt(7, 2), until: sinceAt(7, 2) })).toEqual(['2']);
    expect((await frames(container, { tail: '1' }))[0]?.stamp).toBe(stampAt(7, 4));
  });

  test('reading stops at the first line after until, whatever stands behind it', async () => {
    const container = await containerWithLog(engine(), {
      current: [lineAt(10, 'a'), lineAt(30, 'b'), lineAt(11, 'c')],
    });
    expect(await texts(container, { until: sinceAt(20) })).toEqual(['a']);
  });

  test('tail takes entries of both streams in file order, before since and before the choice of a stream', async () => {
    const container = await containerWithLog(engine(), {
      current: [
        lineAt(1, 'out 1'),
        lineAt(2, 'out 2'),
        lineAt(3, 'err 3', 'stderr'),
        lineAt(4, 'err 4', 'stderr'),
      ],
    });
    expect(await texts(container, { tail: '3' })).toEqual(['out 2', 'err 3', 'err 4']);
    expect(await texts(container, { tail: '3', stderr: '0' })).toEqual(['out 2']);
    expect(await texts(container, { tail: '2', stderr: '0' })).toEqual([]);
    expect(await texts(container, { tail: '3', since: sinceAt(4) })).toEqual(['err 4']);
    expect(await texts(container, { tail: '1', since: sinceAt(1) })).toEqual(['err 4']);
    expect(await texts(container, { tail: '0' })).toEqual([]);
    for (const all of ['all', 'no number', '-1', '4', '5']) {
      expect(await texts(container, { tail: all })).toHaveLength(4);
    }
  });

  test('tail counts chunks, and goes back across rotated files, compressed or not', async () => {
    const container = await containerWithLog(
      engine(),
      {
        current: [chunkAt(9, 'x'), chunkAt(9, 'y'), chunkAt(9, 'z\n')],
        rotated: [
          { lines: [lineAt(5, 'd')] },
          { lines: [lineAt(3, 'b'), lineAt(4, 'c')], compressed: { lastTime: stampAt(4) } },
        ],
      },
      { 'max-size': '1m', 'max-file': '4' },
    );
    expect(await texts(container, { tail: '2' })).toEqual(['y', 'z']);
    expect(await texts(container, { tail: '5' })).toEqual(['c', 'd', 'x', 'y', 'z']);
    expect(await texts(container)).toEqual(['b', 'c', 'd', 'x', 'y', 'z']);
  });

  test('a compressed file is skipped by the last stamp in its header, not by what it holds', async () => {
    const container = await containerWithLog(
      engine(),
      {
        current: [lineAt(40, 'current')],
        rotated: [
          { lines: [lineAt(30, 'newest rotated')], compressed: { lastTime: stampAt(30) } },
          // The clock stepped back before this file's last line was written.
          { lines: [lineAt(20, 'before'), lineAt(1, 'after')], compressed: { lastTime: stampAt(1) } },
          { lines: [lineAt(15, 'oldest')], compressed: { lastTime: stampAt(15) } },
        ],
      },
      { 'max-size': '1m', 'max-file': '5', compress: 'true' },
    );
    const skipped = await texts(container, { since: sinceAt(15) });
    // 20.10 gives up the newer rotated files with the one that it skips.
    if (engine().atLeast(23)) expect(skipped).toEqual(['oldest', 'newest rotated', 'current']);
    else expect(skipped).toEqual(['oldest', 'current']);
    expect(await texts(container)).toEqual(['oldest', 'before', 'after', 'newest rotated', 'current']);
  });

  test('a real rotation writes the very header that these tests write by hand', async () => {
    const container = await runToEnd(engine(), {
      cmd: 'i=0; while [ $i -lt 120 ]; do echo "line $i ........................"; i=$((i+1)); done',
      logOptions: { 'max-size': '4k', 'max-file': '10', compress: 'true' },
    });
    const folder = dirname(container.logPath());
    for (;;) {
      // Compressed behind the writer's back; the test's own deadline ends the wait.
      const rotated = (await readdir(folder)).filter((name) => name.includes('-json.log.'));
      if (rotated.length > 0 && rotated.every((name) => name.endsWith('.gz'))) break;
      await delay(50);
    }
    const file = await readFile(`${container.logPath()}.1.gz`);
    const header = file.subarray(0, 12 + file.readUInt16LE(10));
    const { lastTime } = JSON.parse(header.toString('utf8', 12)) as { lastTime: string };
    expect(gzip([], lastTime).subarray(0, header.length).equals(header)).toBe(true);

    const numbers = (await texts(container)).map((text) => Number(text.split(' ')[1]));
    expect(numbers).toEqual(Array.from({ length: 120 }, (_, n) => n));
    // The header's stamp is that of a line; printed without the zeros at its end.
    const stamps = (await frames(container)).map((frame) => frame.stamp.replace(/0*Z$/, 'Z'));
    expect(stamps).toContain(lastTime.replace(/0*Z$/, 'Z'));
  });
});
