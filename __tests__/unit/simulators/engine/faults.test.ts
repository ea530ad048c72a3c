import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameParser } from '../../../../src/docker/frames.js';
import { planBody } from '../../../../src/simulators/engine/body-plan.js';
import type { EngineSimulator, Fault } from '../../../../src/simulators/engine/index.js';
import {
  ask,
  SteppedClock,
  withEngine,
  type AskOptions,
  type RawAnswer,
} from '../../../support/simulated-engine.js';
import { until } from '../../../support/until.js';
import { Collected } from '../../../support/wire.js';

const LINES = 5;

async function underFault(
  fault: Fault,
  judge: (answer: RawAnswer, engine: EngineSimulator) => void | Promise<void>,
  options: AskOptions & { tty?: boolean } = {},
): Promise<void> {
  await withEngine({ clock: new SteppedClock() }, async (engine) => {
    const container = engine.addContainer({ name: 'one', tty: options.tty ?? false });
    for (let n = 0; n < LINES; n++) container.writeLine('stdout', `line ${n}`);
    engine.fault({ endpoint: 'logs', container: 'one' }, fault);
    await judge(
      await ask(
        engine.socketPath,
        `/containers/${container.id}/logs?stdout=1&stderr=1&timestamps=1`,
        options,
      ),
      engine,
    );
    expect(engine.faultsStruck).toBe(1);
  });
}

/** The whole frames at the beginning of a body, and what a strict reader says of its end. */
function read(body: Buffer): { texts: string[]; end: string } {
  const collected = new Collected();
  let end = 'good';
  try {
    const parser = new FrameParser(collected, 1024 * 1024);
    parser.push(body);
    parser.end();
  } catch (error) {
    end = (error as Error).message;
  }
  return { texts: collected.entries.map(({ text }) => text.toString()), end };
}

describe('faults of the logs', () => {
  test('hang before the header', async () => {
    const stopped = new AbortController();
    await withEngine({}, async (engine) => {
      engine.addContainer({ name: 'one' });
      engine.fault({ endpoint: 'logs' }, { kind: 'hang_before_header' });
      const asked = ask(engine.socketPath, '/containers/one/logs?stdout=1', { signal: stopped.signal });
      while (engine.faultsStruck === 0) await new Promise(setImmediate);
      stopped.abort();
      expect((await asked).status).toBe(0);
      expect(engine.requests.of('logs')).toMatchObject([{ status: 0 }]);
    });
  });

  test('hang after the header', async () => {
    await underFault(
      { kind: 'hang_after_header' },
      ({ status, body, ending }) => expect([status, body.length, ending]).toEqual([200, 0, 'stopped']),
      { until: () => true },
    );
  });

  test('stall in the middle, and a body that is not ended', async () => {
    const count = (body: Buffer): number => read(body).texts.length;
    await underFault(
      { kind: 'stall', afterPieces: 2 },
      ({ body, ending }) => expect([count(body), ending]).toEqual([2, 'stopped']),
      { until: (body) => count(body) === 2 },
    );
    await underFault(
      { kind: 'never_ends' },
      ({ body, ending }) => expect([count(body), ending]).toEqual([LINES, 'stopped']),
      { until: (body) => count(body) === LINES },
    );
  });

  test('reset between two frames, and inside one', async () => {
    await underFault({ kind: 'reset', afterPieces: 2 }, ({ body, ending }) => {
      expect([read(body), ending]).toEqual([{ texts: ['line 0', 'line 1'], end: 'good' }, 'broken']);
    });
    await underFault({ kind: 'reset', afterPieces: 2, insidePiece: true }, ({ body, ending }) => {
      const { texts, end } = read(body);
      expect([texts, ending]).toEqual([['line 0', 'line 1'], 'broken']);
      expect(end).toContain('into a frame');
    });
  });

  test('a frame cut short in a body that ends well', async () => {
    await underFault({ kind: 'truncate', afterPieces: 3 }, ({ body, ending }) => {
      expect(ending).toBe('end');
      expect(read(body)).toEqual({
        texts: ['line 0', 'line 1', 'line 2'],
        end: expect.stringContaining('into a frame'),
      });
    });
  });

  test('the daemon’s error, which swallows good lines', async () => {
    const fault = { kind: 'daemon_error', afterPieces: 4, swallows: 2, message: 'disk on fire' } as const;
    await underFault(fault, ({ body, ending, status }) => {
      expect([status, ending]).toEqual([200, 'end']);
      expect(read(body)).toEqual({
        texts: ['line 0', 'line 1'],
        end: expect.stringContaining('Error grabbing logs: disk on fire'),
      });
    });
    await underFault(
      fault,
      ({ body }) => expect(body.toString()).toMatch(/ line 1\r\nError grabbing logs: disk on fire\n$/),
      { tty: true },
    );
  });

  test('drip and scatter change no byte', async () => {
    for (const fault of [
      { kind: 'drip', bytes: 3, everyMs: 10 },
      { kind: 'scatter', maxBytes: 9 },
    ] as const) {
      await underFault(fault, ({ body, ending }) => {
        expect(ending).toBe('end');
        expect(read(body)).toEqual({
          texts: ['line 0', 'line 1', 'line 2', 'line 3', 'line 4'],
          end: 'good',
        });
      });
    }
  });

  test('scatter keeps the bytes and loses the boundaries', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.integer({ min: 1, max: 70 }),
        (parts, max) => {
          const pieces = parts.map((part) => Buffer.from(part));
          const random = (): number => 0.7;
          const plan = planBody(
            pieces,
            { kind: 'scatter', maxBytes: max },
            { kind: 'raw', stampPrefix: '' },
            random,
          );
          const writes = [...plan.writes];
          expect(Buffer.concat(writes)).toEqual(Buffer.concat(pieces));
          for (const bytes of writes) expect(bytes.length).toBeLessThanOrEqual(max);
        },
      ),
    );
  });

  test('a frame that claims 4 GiB', async () => {
    await underFault(
      { kind: 'huge_frame', afterPieces: 1 },
      ({ body }) => {
        const { texts, end } = read(body);
        expect(texts).toEqual(['line 0']);
        expect(end).toContain('claims 4294967295 bytes');
      },
      { until: (body) => body.length > 100_000 },
    );
  });

  test('a line without end', async () => {
    const enough = (body: Buffer): boolean => body.length > 300_000;
    await underFault(
      { kind: 'endless_line', afterPieces: 1 },
      ({ body }) => {
        const { texts } = read(body);
        expect(texts.slice(1).every((text) => text.length === 16_384)).toBe(true);
        expect(texts.length).toBeGreaterThan(10);
      },
      { until: enough },
    );
    await underFault(
      { kind: 'endless_line', afterPieces: 0 },
      ({ body }) => expect(body.includes('\n')).toBe(false),
      { until: enough, tty: true },
    );
  });

  test.each([404, 409, 500, 501])('status %i', async (status) => {
    await underFault({ kind: 'status', status, message: 'no' }, (answer) => {
      expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([status, { message: 'no' }]);
    });
  });

  test('a connection closed instead of an answer', async () => {
    await underFault({ kind: 'refuse' }, ({ status, ending }) =>
      expect([status, ending]).toEqual([0, 'broken']),
    );
  });
});

describe('where and how often', () => {
  test('on a container, for a number of times, until it is lifted', async () => {
    await withEngine({}, async (engine) => {
      for (const name of ['one', 'two']) engine.addContainer({ name });
      const status = async (name: string): Promise<number> =>
        (await ask(engine.socketPath, `/containers/${name}/logs?stdout=1`)).status;
      engine.fault({ endpoint: 'logs', container: 'one', times: 2 }, { kind: 'status', status: 500 });
      expect([await status('one'), await status('two'), await status('one'), await status('one')]).toEqual([
        500, 200, 500, 200,
      ]);
      const lift = engine.fault({ endpoint: 'logs' }, { kind: 'status', status: 503 });
      expect(await status('two')).toBe(503);
      lift();
      expect(await status('two')).toBe(200);
      engine.fault({ endpoint: 'logs', chance: 0 }, { kind: 'status', status: 503 });
      expect(await status('two')).toBe(200);
      engine.fault({ endpoint: 'logs' }, { kind: 'status', status: 503 });
      engine.clearFaults();
      expect(await status('two')).toBe(200);
    });
  });

  test('an answer that is held back is outdated when it comes', async () => {
    await withEngine({}, async (engine) => {
      const one = engine.addContainer({ name: 'one' });
      for (const path of ['/containers/json', `/containers/${one.id}/json`]) {
        one.rename('before');
        let release = (): void => undefined;
        const endpoint = path === '/containers/json' ? 'list' : 'inspect';
        const held = new Promise<void>((resolve) => (release = resolve));
        engine.fault({ endpoint, times: 1 }, { kind: 'hold', release: held });
        const { faultsStruck } = engine;
        const answer = ask(engine.socketPath, path);
        await until('it is asked for', () => engine.faultsStruck > faultsStruck);
        one.rename('after');
        release();
        expect((await answer).body.toString()).toContain('"/before"');
        expect((await ask(engine.socketPath, path)).body.toString()).toContain('"/after"');
      }
    });
  });

  test('a list that takes 30 s, a ping that breaks, labels beyond count', async () => {
    const clock = new SteppedClock();
    await withEngine({ clock }, async (engine) => {
      const labels = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`l${n}`, '']));
      engine.addContainer({ name: 'one', labels });
      engine.fault({ endpoint: 'list' }, { kind: 'delay', ms: 30_000 });
      engine.fault({ endpoint: 'ping' }, { kind: 'reset', afterPieces: 0 });
      const before = clock.monotonic();
      const list = await ask(engine.socketPath, '/containers/json');
      expect(clock.monotonic() - before).toBe(30_000);
      const [shown] = JSON.parse(list.body.toString()) as { Labels: object }[];
      expect(Object.keys(shown!.Labels)).toHaveLength(200_000);
      expect((await ask(engine.socketPath, '/_ping')).ending).toBe('broken');
    });
  });
});
