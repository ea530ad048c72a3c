import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import { logsPath, type LogsRequestResult } from '../../../src/docker/logs-request.js';
import type { EngineSimulator, Fault, SimulatedContainer } from '../../../src/simulators/engine/index.js';
import { logsReader, type LogsReader } from '../../support/read-logs.js';
import { SteppedClock, withEngine } from '../../support/simulated-engine.js';
import { frameOf } from '../../support/wire.js';

const LINES = 5;
const ALL = Array.from({ length: LINES }, (_, n) => `line ${n}`);

/** Only as the collector reads; for what takes long. */
const COLLECTOR = { paced: [true] };

interface World {
  readonly engine: EngineSimulator;
  readonly container: SimulatedContainer;
  readonly reader: LogsReader;
}

/** Reads under a fault; whatever comes of it, no socket is left the moment the promise is settled. */
async function under(
  fault: Fault | undefined,
  use: (world: World) => Promise<void>,
  options: { tty?: boolean; lines?: readonly string[]; paced?: readonly boolean[] } = {},
): Promise<void> {
  for (const paced of options.paced ?? [true, false]) {
    await withEngine({ clock: new SteppedClock() }, async (engine) => {
      const container = engine.addContainer({ name: 'web', tty: options.tty ?? false });
      for (const line of options.lines ?? ALL) container.writeLine('stdout', line);
      if (fault) engine.fault({ endpoint: 'logs' }, fault);
      const reader = logsReader({ kind: 'unix', path: engine.socketPath }, container.id, paced);
      await use({ engine, container, reader });
      expect(reader.openAtEnd.length).toBeGreaterThan(0);
      expect(new Set(reader.openAtEnd)).toEqual(new Set([0]));
      expect(engine.requests.violations).toEqual([]);
    });
  }
}

const faultOf = (result: LogsRequestResult): unknown =>
  result.fault instanceof LogBodyError ? result.fault.fault : result.fault;

describe('a good answer', () => {
  test('is read to its end, over one connection, which is gone', async () => {
    await under(undefined, async ({ reader }) => {
      const { bytes, fault } = await reader.read();
      expect(fault).toBeUndefined();
      expect(reader.texts()).toEqual(ALL);
      expect(bytes).toBe(ALL.reduce((sum, line) => sum + 8 + 31 + line.length + 1, 0));
      expect([reader.ledger.opened, reader.ledger.closed]).toEqual([1, 1]);
    });
  });

  test('of a TTY, and one with nothing in it', async () => {
    await under(
      undefined,
      async ({ reader }) => {
        await reader.read({ tty: true });
        expect(reader.texts()).toEqual(ALL);
      },
      { tty: true },
    );
    await under(undefined, async ({ reader }) => expect(await reader.read()).toEqual({ bytes: 0 }), {
      lines: [],
    });
  });

  test('the question asks for what there is, never for what will come', async () => {
    await under(undefined, async ({ engine, reader }) => {
      await reader.read({ tail: 2, since: 1_700_000_000_000_000_001n });
      expect(reader.texts()).toEqual(ALL.slice(-2));
      expect(engine.requests.of('logs').map(({ query }) => query)).toEqual([
        { follow: '0', stdout: '1', stderr: '1', timestamps: '1', since: '1700000000.000000001', tail: '2' },
      ]);
    });
    expect(logsPath({ versionPath: '/v1.41', containerId: 'a/b' })).toBe(
      '/v1.41/containers/a%2Fb/logs?follow=0&stdout=1&stderr=1&timestamps=1',
    );
  });

  test.each<[string, Fault]>([
    ['in writes of any size', { kind: 'scatter', maxBytes: 7 }],
    ['a few bytes at a time', { kind: 'drip', bytes: 3, everyMs: 1 }],
    ['late', { kind: 'delay', ms: 100 }],
  ])('%s is a good answer', async (_, fault) => {
    await under(fault, async ({ reader }) => {
      expect((await reader.read()).fault).toBeUndefined();
      expect(reader.texts()).toEqual(ALL);
    });
  });
});

describe('a body that does not end as it should: what came before is good', () => {
  test.each<[string, Fault, string, number]>([
    ['broken off between two frames', { kind: 'reset', afterPieces: 2 }, 'truncated', 2],
    ['broken off inside a frame', { kind: 'reset', afterPieces: 2, insidePiece: true }, 'truncated', 2],
    ['broken off before the first', { kind: 'reset', afterPieces: 0 }, 'truncated', 0],
    ['ended inside a frame as if all were well', { kind: 'truncate', afterPieces: 3 }, 'truncated', 3],
    ['the Engine’s own error', { kind: 'daemon_error', afterPieces: 4, message: 'boom' }, 'daemon_error', 4],
    [
      'the Engine’s own error with lines lost',
      { kind: 'daemon_error', afterPieces: 4, swallows: 3, message: 'boom' },
      'daemon_error',
      1,
    ],
    ['a frame of 4 GiB', { kind: 'huge_frame', afterPieces: 2 }, 'too_large', 2],
    [
      'a frame a little too large',
      { kind: 'huge_frame', afterPieces: 0, claims: 1024 * 1024 + 1 },
      'too_large',
      0,
    ],
  ])('%s', async (_, fault, expected, count) => {
    await under(fault, async ({ reader }) => {
      const result = await reader.read();
      expect(faultOf(result)).toBe(expected);
      expect(reader.texts()).toEqual(ALL.slice(0, count));
    });
  });

  test.each<[string, Fault]>([
    ['nothing more comes', { kind: 'stall', afterPieces: 2 }],
    ['all is said, and no end', { kind: 'never_ends' }],
    ['not even a beginning', { kind: 'hang_after_header' }],
  ])('%s: given up after the idle time', async (_, fault) => {
    await under(
      fault,
      async ({ reader }) => {
        expect(faultOf(await reader.read({ idleTimeout: 500 }))).toBe('stalled');
        expect(reader.texts()).toEqual(
          fault.kind === 'stall' ? ALL.slice(0, 2) : fault.kind === 'never_ends' ? ALL : [],
        );
      },
      COLLECTOR,
    );
  });

  test('a line without end: chunk after chunk until the reader is stopped', async () => {
    await under({ kind: 'endless_line', afterPieces: 1 }, async ({ reader }) => {
      const stop = new AbortController();
      const reason = new Error('enough');
      let chunks = 0;
      const result = await reader.read({
        signal: stop.signal,
        sink: {
          entry: () => {
            if (++chunks === 100) stop.abort(reason);
          },
        },
      });
      expect(result.fault).toBe(reason);
      // Nothing was handed over behind the stop but what lay in the same piece of the body.
      expect(chunks).toBeLessThan(200);
    });
  });

  test('a TTY’s line without end and without newline is too large', async () => {
    await under(
      { kind: 'huge_frame', afterPieces: 0 },
      async ({ reader }) => {
        const result = await reader.read({ tty: true, maxFrameBytes: 100_000 });
        expect(faultOf(result)).toBe('too_large');
      },
      { tty: true },
    );
  });

  test('a sink that throws ends the reading; its error is the fault', async () => {
    await under(undefined, async ({ reader }) => {
      const result = await reader.read({
        sink: {
          entry: () => {
            throw new RangeError('no room');
          },
        },
      });
      expect(result.fault?.message).toContain('no room');
    });
  });
});

describe('no answer to read', () => {
  test.each<[string, Fault, string]>([
    ['not found', { kind: 'status', status: 404, message: 'No such container: web' }, 'engine_not_found'],
    ['being removed', { kind: 'status', status: 409 }, 'engine_conflict'],
    ['a driver that cannot be read', { kind: 'status', status: 501 }, 'engine_not_implemented'],
    ['an error', { kind: 'status', status: 500, message: 'x'.repeat(100_000) }, 'engine_server_error'],
    ['refused', { kind: 'refuse' }, 'engine_reset'],
  ])('%s', async (_, fault, code) => {
    await under(fault, async ({ reader }) => {
      await expect(reader.read()).rejects.toMatchObject({ code, container: 'web' });
    });
  });

  test('not even a header within the idle time', async () => {
    await under(
      { kind: 'hang_before_header' },
      async ({ reader }) => {
        await expect(reader.read({ idleTimeout: 500 })).rejects.toMatchObject({ code: 'engine_timeout' });
      },
      COLLECTOR,
    );
  });

  test('nobody there', async () => {
    const reader = logsReader({ kind: 'unix', path: '/nowhere/docker.sock' }, 'c1');
    await expect(reader.read()).rejects.toMatchObject({ code: 'engine_unreachable' });
    expect(reader.ledger.opened).toBe(0);
  });
});

describe('stopped from outside', () => {
  const reason = new Error('shutting down');

  test('before it began: nothing is asked', async () => {
    await under(undefined, async ({ engine, reader }) => {
      await expect(reader.read({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(engine.requests.total).toBe(0);
    });
  });

  test('while it waits for the header', async () => {
    await under({ kind: 'hang_before_header' }, async ({ engine, reader }) => {
      const stop = new AbortController();
      const reading = reader.read({ signal: stop.signal });
      while (engine.faultsStruck === 0) await turn();
      stop.abort(reason);
      await expect(reading).rejects.toBe(reason);
    });
  });

  test('while it connects', async () => {
    await under(undefined, async ({ reader }) => {
      const stop = new AbortController();
      const reading = reader.read({ signal: stop.signal });
      stop.abort(reason);
      await expect(reading).rejects.toBe(reason);
      expect(reader.texts()).toEqual([]);
    });
  });

  test('in the middle: what came is good, and the reason is the fault', async () => {
    await under({ kind: 'stall', afterPieces: 2 }, async ({ reader }) => {
      const stop = new AbortController();
      const reading = reader.read({ signal: stop.signal });
      while (reader.collected.entries.length < 2) await turn();
      stop.abort(reason);
      expect((await reading).fault).toBe(reason);
    });
  });
});

describe('back-pressure', () => {
  const MANY = Array.from({ length: 8_000 }, (_, n) => `line ${n} ${'x'.repeat(200)}`);

  test('while the reader pauses, the Engine cannot go on; then all comes', async () => {
    await under(
      undefined,
      async ({ engine, reader }) => {
        let goOn: () => void = () => undefined;
        let pauses = 0;
        const pause = (): Promise<void> | undefined => {
          if (++pauses > 1) return undefined;
          return new Promise((resolve) => (goOn = resolve));
        };
        const reading = reader.read({ pause });
        while (pauses === 0) await turn();
        const before = reader.collected.entries.length;
        for (let n = 0; n < 200; n++) await turn();
        // Not more than what had been taken from the socket already.
        expect(reader.collected.entries.length - before).toBeLessThan(3000);
        expect(engine.requests.of('logs')).toMatchObject([{ finished: false }]);
        goOn();
        expect((await reading).fault).toBeUndefined();
        expect(reader.texts()).toEqual(MANY);
      },
      { lines: MANY },
    );
  });

  test('a pause at every piece loses nothing', async () => {
    await under(
      undefined,
      async ({ reader }) => {
        const { fault } = await reader.read({ pause: () => turn() });
        expect(fault).toBeUndefined();
        expect(reader.texts()).toEqual(MANY);
      },
      { lines: MANY },
    );
  });

  // Longer than the HTTP client takes to notice an idle time, which it looks at once a second.
  const longPause = (): (() => Promise<void> | undefined) => {
    let pauses = 0;
    return () => (++pauses > 1 ? undefined : new Promise((resolve) => setTimeout(resolve, 1500)));
  };

  test('a pause is no idleness of the Engine', async () => {
    await under(
      { kind: 'drip', bytes: 20, everyMs: 1 },
      async ({ reader }) => {
        expect((await reader.read({ idleTimeout: 500, pause: longPause() })).fault).toBeUndefined();
        expect(reader.texts()).toEqual(ALL);
      },
      COLLECTOR,
    );
  });

  test('behind a pause the Engine may be idle no longer than before it', async () => {
    await under(
      { kind: 'stall', afterPieces: 2 },
      async ({ reader }) => {
        expect(faultOf(await reader.read({ idleTimeout: 500, pause: longPause() }))).toBe('stalled');
        expect(reader.texts()).toEqual(ALL.slice(0, 2));
      },
      COLLECTOR,
    );
  });

  test('a pause that fails ends the reading', async () => {
    await under(undefined, async ({ reader }) => {
      const failure = new LogBodyError('malformed', 'the push failed');
      expect((await reader.read({ pause: () => Promise.reject(failure) })).fault).toBe(failure);
    });
  });

  test('stopped while it pauses; the end of the pause changes nothing more', async () => {
    await under(
      undefined,
      async ({ reader }) => {
        const stop = new AbortController();
        let goOn: () => void = () => undefined;
        let pauses = 0;
        const reading = reader.read({
          signal: stop.signal,
          pause: () => {
            pauses++;
            return new Promise((resolve) => (goOn = resolve));
          },
        });
        while (pauses === 0) await turn();
        const reason = new Error('shutting down');
        stop.abort(reason);
        expect((await reading).fault).toBe(reason);
        const count = reader.collected.entries.length;
        goOn();
        await turn();
        expect(reader.collected.entries).toHaveLength(count);
      },
      { lines: MANY },
    );
  });
});

describe('an Engine of single bytes', () => {
  let folder: string | undefined;
  afterEach(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  /** Serves one connection; `serve` gets it after the request came. */
  async function serving(
    serve: (socket: Socket) => void,
    use: (reader: LogsReader) => Promise<void>,
    heard: (request: string) => void = () => undefined,
  ): Promise<void> {
    for (const paced of [true, false]) {
      folder = await mkdtemp(join(tmpdir(), 'pollard-logs-'));
      const path = join(folder, 'd.sock');
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', (request) => {
          heard(request.toString('latin1'));
          serve(socket);
        });
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const reader = logsReader({ kind: 'unix', path }, 'c1', paced);
      try {
        await use(reader);
        expect(new Set(reader.openAtEnd)).toEqual(new Set([0]));
      } finally {
        await new Promise((resolve) => server.close(resolve));
        await rm(folder, { recursive: true });
        folder = undefined;
      }
    }
  }
  const HEAD = 'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
  const chunk = (bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  const line = frameOf({
    stream: 1,
    stamp: 1_700_000_000_000_000_000n,
    text: Buffer.from('one'),
    terminated: true,
  });

  test('closed behind a whole frame and before the end of the body: broken off, not ended', async () => {
    await serving(
      (socket) => socket.end(Buffer.concat([Buffer.from(HEAD), chunk(line)])),
      async (reader) => {
        expect(faultOf(await reader.read())).toBe('truncated');
        expect(reader.texts()).toEqual(['one']);
      },
    );
  });

  test('closed so while the reader pauses: broken off once it goes on', async () => {
    await serving(
      (socket) => socket.end(Buffer.concat([Buffer.from(HEAD), chunk(line)])),
      async (reader) => {
        const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
        expect(faultOf(await reader.read({ pause }))).toBe('truncated');
        expect(reader.texts()).toEqual(['one']);
      },
    );
  });

  test('ended well while the reader pauses: a good answer', async () => {
    await serving(
      (socket) => socket.end(Buffer.concat([Buffer.from(HEAD), chunk(line), Buffer.from('0\r\n\r\n')])),
      async (reader) => {
        const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
        expect((await reader.read({ pause })).fault).toBeUndefined();
        expect(reader.texts()).toEqual(['one']);
      },
    );
  });

  test('an Engine that does not close its side does not keep the connection', async () => {
    await serving(
      (socket) => socket.write(Buffer.concat([Buffer.from(HEAD), chunk(line), Buffer.from('0\r\n\r\n')])),
      async (reader) => {
        expect((await reader.read()).fault).toBeUndefined();
        expect(reader.texts()).toEqual(['one']);
      },
    );
  });

  test('an error whose words come in pieces is quoted whole', async () => {
    const words = Buffer.from(JSON.stringify({ message: 'größer' }));
    const cut = words.indexOf(0xc3) + 1;
    await serving(
      (socket) => {
        socket.write(`HTTP/1.1 500 Oops\r\nContent-Length: ${words.length}\r\n\r\n`);
        socket.write(words.subarray(0, cut));
        setTimeout(() => socket.write(words.subarray(cut)), 20);
      },
      async (reader) => {
        await expect(reader.read()).rejects.toThrow('größer');
      },
    );
  });

  test.each<[string, (plain: string) => Buffer]>([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('an error that a proxy encoded as %s is understood', async (encoding, encode) => {
    const words = encode(JSON.stringify({ message: 'client version 1.41 is too old' }));
    const head = `HTTP/1.1 400 Oops\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${words.length}\r\n\r\n`;
    await serving(
      (socket) => socket.write(Buffer.concat([Buffer.from(head), words])),
      async (reader) => {
        await expect(reader.read()).rejects.toMatchObject({
          code: 'engine_version_refused',
          message: expect.stringContaining('client version 1.41 is too old'),
        });
      },
    );
  });

  test('a log that a proxy encoded is refused with the name of the encoding', async () => {
    let asked = '';
    const words = gzipSync(line);
    await serving(
      (socket) =>
        socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'), words])),
      async (reader) => {
        const { fault } = await reader.read();
        expect(fault).toMatchObject({ code: 'log_malformed', message: expect.stringContaining('gzip') });
        expect(reader.texts()).toEqual([]);
      },
      (request) => (asked = request),
    );
    expect(asked).toContain('\r\nAccept-Encoding: identity\r\n');
  });

  test('no HTTP at all', async () => {
    await serving(
      (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
      async (reader) => {
        await expect(reader.read()).rejects.toMatchObject({ code: 'engine_bad_answer' });
      },
    );
  });
});
