import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  describeEngines,
  e2eIsOff,
  engineVersions,
  frames,
  importBusybox,
  readFrames,
  runToEnd,
  sinceOf,
  startEngine,
} from '../../support/engines/index.js';
import type { StampedFrame, TestContainer } from '../../support/engines/index.js';

// What Pollard takes for granted about a real Engine: see since-and-tail.test.ts.

jest.setTimeout(120_000);

const CHUNK = 16384;
const STAMP = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z`;

/** A command that prints so many letters x, quick in busybox too. */
const letters = (count: number): string => `head -c ${count} /dev/zero | tr '\\0' x`;

describeEngines('Engine facts: frames and chunks', (engine) => {
  describe.each(['json-file', 'local'])('with the driver %s', (logDriver) => {
    /** The end of a long line: 20.10 forgets it in the driver local, so that only the next stamp tells. */
    const endOfLongLine = (): string => (logDriver === 'local' && !engine().atLeast(23) ? '' : '\n');

    test('a line over 16 KiB comes in chunks that carry one stamp', async () => {
      const container = await runToEnd(engine(), {
        cmd: `${letters(2 * CHUNK + 100)}; echo; echo next`,
        logDriver,
      });
      const all = await frames(container);
      expect(all.map((frame) => frame.text)).toEqual([
        'x'.repeat(CHUNK),
        'x'.repeat(CHUNK),
        'x'.repeat(100) + endOfLongLine(),
        'next\n',
      ]);
      const stamps = all.map((frame) => frame.stamp);
      expect(stamps.slice(0, 3)).toEqual([stamps[0], stamps[0], stamps[0]]);
      expect(stamps[3]).not.toBe(stamps[0]);
    });

    test('exactly 16384 bytes and a newline are a chunk and an empty last chunk', async () => {
      const container = await runToEnd(engine(), { cmd: `${letters(CHUNK)}; echo; echo next`, logDriver });
      const all = await frames(container);
      expect(all.map((frame) => frame.text)).toEqual(['x'.repeat(CHUNK), endOfLongLine(), 'next\n']);
      expect(all[1]!.stamp).toBe(all[0]!.stamp);
    });

    test('a late chunk carries the first one’s stamp, lines of the other stream stand between', async () => {
      const container = await runToEnd(engine(), {
        cmd: `${letters(CHUNK + 1)}; sleep 0.3; echo between >&2; sleep 0.3; echo end`,
        logDriver,
      });
      const [first, between, late] = (await frames(container)) as [StampedFrame, StampedFrame, StampedFrame];
      expect([first.stream, between.stream, late.stream]).toEqual([1, 2, 1]);
      expect(late.text).toBe(`xend${endOfLongLine()}`);
      expect(late.stamp).toBe(first.stamp);
      expect(between.stamp > first.stamp).toBe(true);
      // So a since behind the first chunk hides the late one, as long as since filters every line.
      const behind = await frames(container, { since: sinceOf(between.stamp) });
      expect(behind.map((frame) => frame.stream)).toEqual(engine().atLeast(24) ? [2, 1] : [2]);
    });

    test('the last words of a process have no newline, and the next run’s first line follows', async () => {
      const container = await runToEnd(engine(), { cmd: 'printf last', logDriver });
      expect((await frames(container)).map((frame) => frame.text)).toEqual(['last']);
      await container.start();
      await container.wait();
      const [one, two] = (await frames(container)) as [StampedFrame, StampedFrame];
      expect([one.text, two.text]).toEqual(['last', 'last']);
      expect(two.stamp).not.toBe(one.stamp);
    });

    test('a long line without an end has no newline either, nor an empty last chunk', async () => {
      const container = await runToEnd(engine(), { cmd: letters(CHUNK + 10), logDriver });
      expect((await frames(container)).map((frame) => frame.text.length)).toEqual([CHUNK, 10]);
      const exact = await runToEnd(engine(), { cmd: letters(CHUNK), logDriver });
      expect((await frames(exact)).map((frame) => frame.text.length)).toEqual([CHUNK]);
    });

    test('empty lines, CRLF and ANSI come as written, with stamps of nine digits', async () => {
      const container = await runToEnd(engine(), {
        cmd: `echo; printf 'crlf\\r\\n'; printf '\\033[31mred\\033[0m\\n'; echo to stderr >&2`,
        logDriver,
      });
      const all = await frames(container);
      const of = (stream: number): string[] =>
        all.filter((frame) => frame.stream === stream).map((frame) => frame.text);
      expect(of(1)).toEqual(['\n', 'crlf\r\n', '\u001b[31mred\u001b[0m\n']);
      expect(of(2)).toEqual(['to stderr\n']);
      for (const { stamp } of all) expect(stamp).toMatch(new RegExp(`^${STAMP}$`));
    });

    test('bytes that are not UTF-8 stay in the driver local and are replaced in json-file', async () => {
      const container = await runToEnd(engine(), { cmd: `printf 'a\\377b\\n'`, logDriver });
      const { payload } = readFrames((await container.logs()).body)[0]!;
      const text = payload.toString('hex', payload.indexOf(0x20) + 1);
      expect(text).toBe(logDriver === 'local' ? '61ff620a' : '61efbfbd620a');
    });

    test('a TTY comes raw: no frames, CRLF, and each chunk’s stamp in the middle of the text', async () => {
      const container = await runToEnd(engine(), {
        cmd: `echo first; ${letters(CHUNK + 100)}; echo; echo last >&2`,
        tty: true,
        logDriver,
      });
      const body = (await container.logs()).body.toString('latin1');
      const match = new RegExp(
        `^${STAMP} first\r\n(${STAMP}) x{${CHUNK}}(${STAMP}) x{100}\r${endOfLongLine()}${STAMP} last\r\n$`,
      ).exec(body);
      expect(match).not.toBeNull();
      expect(match![2]).toBe(match![1]);
    });

    test('in a TTY the next run’s stamp stands right behind the last words without newline', async () => {
      const container = await runToEnd(engine(), { cmd: 'printf last', tty: true, logDriver });
      await container.start();
      await container.wait();
      const body = (await container.logs()).body.toString('latin1');
      expect(body).toMatch(new RegExp(`^${STAMP} last${STAMP} last$`));
    });
  });

  test('the type of the content tells of frames only from 23 and API 1.42 on', async () => {
    const plain = await runToEnd(engine(), { cmd: 'echo x' });
    const tty = await runToEnd(engine(), { cmd: 'echo x', tty: true });
    const type = async (container: TestContainer, version = ''): Promise<string | undefined> => {
      const path = `${version}/containers/${container.id}/logs?stdout=1`;
      return (await engine().api.send('GET', path)).headers['content-type'];
    };
    const multiplexed = 'application/vnd.docker.multiplexed-stream';
    expect((await type(plain)) === multiplexed).toBe(engine().atLeast(23));
    expect(await type(tty)).not.toBe(multiplexed);
    if (!engine().atLeast(29)) expect(await type(plain, '/v1.41')).not.toBe(multiplexed);
  });
});

const block = e2eIsOff() ? describe.skip : describe;
block.each(engineVersions)('Engine facts: an engine of %s two hours east of Greenwich', (version) => {
  let folder = '';
  const zone = (): string => join(folder, 'zone');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pollard-zone-'));
    // RFC 8536, version 1: one local time type of +7200 s named TST, no transitions. Needs no tzdata package.
    const header = Buffer.alloc(44);
    header.write('TZif', 'latin1');
    header.writeUInt32BE(1, 36);
    header.writeUInt32BE(4, 40);
    const type = Buffer.alloc(10);
    type.writeInt32BE(7200, 0);
    type.write('TST\0', 6, 'latin1');
    await writeFile(zone(), Buffer.concat([header, type]));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('writes its offset with the driver local and the cache of unreadable drivers on 20.10; else UTC', async () => {
    const engine = await startEngine({ version, env: { TZ: zone() } });
    try {
      await importBusybox(engine.api);
      const zoneOf = async (logDriver: string, logOptions: Record<string, string> = {}): Promise<string> => {
        const container = await runToEnd(engine, { cmd: 'echo x', logDriver, logOptions });
        return (await frames(container))[0]!.stamp.slice('2024-05-01T10:00:00.000000000'.length);
      };
      const ofLocal = engine.atLeast(23) ? 'Z' : '+02:00';
      expect(await zoneOf('json-file')).toBe('Z');
      expect(await zoneOf('local')).toBe(ofLocal);
      expect(await zoneOf('syslog', { 'syslog-address': 'udp://127.0.0.1:9' })).toBe(ofLocal);
    } finally {
      await engine.stop();
    }
  });
});
