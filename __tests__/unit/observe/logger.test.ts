import { Writable } from 'node:stream';
import type { LogFields } from '../../../src/model/logger.js';
import { PollardError } from '../../../src/model/errors.js';
import { createLogger, type LoggerOptions } from '../../../src/observe/logger.js';
import { ManualClock } from '../../support/manual-clock.js';

class Sheet extends Writable {
  text = '';
  isTTY = false;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function written(
  say: (logger: ReturnType<typeof createLogger>) => void,
  options: Partial<LoggerOptions> = {},
  sheet = new Sheet(),
): Promise<string> {
  const logger = createLogger({
    level: 'debug',
    format: 'json',
    secrets: [],
    clock: new ManualClock(1_700_000_000_123_456_789n),
    stream: sheet,
    ...options,
  });
  say(logger);
  await logger.close();
  return sheet.text;
}

async function record(
  fields: LogFields,
  options: Partial<LoggerOptions> = {},
): Promise<Record<string, unknown>> {
  return JSON.parse(await written((logger) => logger.info('said', fields), options)) as Record<
    string,
    unknown
  >;
}

describe('the logger', () => {
  test('writes one JSON object a line, with time, level, message and fields', async () => {
    const text = await written((logger) => {
      logger.warn('a container is slow', { container: 'web', seconds: 1.5, stamp: 12n });
      logger.info('plain');
    });
    const lines = text.trimEnd().split('\n');
    expect(JSON.parse(lines[0]!)).toEqual({
      time: '2023-11-14T22:13:20.123Z',
      level: 'warn',
      message: 'a container is slow',
      container: 'web',
      seconds: 1.5,
      stamp: '12',
    });
    expect(lines[1]).toBe('{"time":"2023-11-14T22:13:20.123Z","level":"info","message":"plain"}');
  });

  test('says nothing below its level', async () => {
    const text = await written(
      (logger) => {
        logger.error('1');
        logger.warn('2');
        logger.info('3');
        logger.debug('4');
      },
      { level: 'warn' },
    );
    expect(text.trimEnd().split('\n')).toHaveLength(2);
  });

  test('colours are for a terminal of its own stream, whatever standard output is', async () => {
    const terminal = new Sheet();
    terminal.isTTY = true;
    const noColor = process.env['NO_COLOR'];
    delete process.env['NO_COLOR'];
    try {
      const say = (logger: ReturnType<typeof createLogger>): void => logger.error('broken');
      expect(await written(say, { format: 'pretty', stream: terminal }, terminal)).toContain(
        '\u001b[31merror',
      );
      expect(await written(say, { format: 'pretty' })).not.toContain('\u001b');
    } finally {
      if (noColor !== undefined) process.env['NO_COLOR'] = noColor;
    }
  });

  test('is pretty on a terminal and JSON elsewhere, unless told', async () => {
    const terminal = new Sheet();
    terminal.isTTY = true;
    const say = (logger: ReturnType<typeof createLogger>) => logger.info('hello');
    expect(await written(say, { format: 'auto' }, terminal)).toContain('hello');
    expect(terminal.text).not.toContain('{');
    expect(await written(say, { format: 'auto' })).toMatch(/^\{/);
    expect(await written(say, { format: 'pretty' })).toBe('2023-11-14T22:13:20.123Z info  hello\n');
  });

  test('tells code, hint, setting and cause of an error, and a stack only where it is a bug', async () => {
    const cause = Object.assign(new Error('connect ENOENT'), { code: 'ENOENT', syscall: 'connect' });
    const error = new PollardError('engine_unreachable', 'the Engine cannot be reached', {
      hint: 'start it',
      setting: 'engine.host',
      cause,
    });
    const { error: plain } = await record({ error });
    expect(plain).toEqual({
      name: 'PollardError',
      message: 'the Engine cannot be reached',
      code: 'engine_unreachable',
      hint: 'start it',
      setting: 'engine.host',
      cause: { name: 'Error', message: 'connect ENOENT', code: 'ENOENT', syscall: 'connect' },
    });
    const bug = await record({ error: new TypeError('x is not a function') });
    expect(bug).toMatchObject({ error: { stack: expect.stringContaining('logger.test') } });
  });

  test('prints an error for people on lines of its own', async () => {
    const error = new PollardError('loki_auth', 'Loki refuses us', {
      hint: 'check the token',
      cause: new Error('401'),
    });
    const text = await written((logger) => logger.error('push failed', { error, tries: 3 }), {
      format: 'pretty',
    });
    expect(text.split('\n').slice(0, 4)).toEqual([
      '2023-11-14T22:13:20.123Z error push failed tries=3',
      '    Loki refuses us (loki_auth)',
      '    hint: check the token',
      '    cause: 401',
    ]);
  });

  test('does not let a text steer the terminal or forge a line', async () => {
    const text = await written(
      (logger) => logger.info('name \u001b[2J', { container: 'a\nb', error: new Error('x\r\u009b31m\ny') }),
      { format: 'pretty' },
    );
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(text).toContain('\\u001b[2J');
    expect(text.split('\n')[0]).toContain('container="a\\nb"');
  });

  test('a field cannot pass itself off as the message, the level or the time', async () => {
    expect(await record({ message: 'forged', level: 'error', time: 'never' })).toEqual({
      time: '2023-11-14T22:13:20.123Z',
      level: 'info',
      message: 'said',
      field_message: 'forged',
      field_level: 'error',
      field_time: 'never',
    });
  });
});

describe('secrets', () => {
  test.each([
    'password',
    'basicAuthPassword',
    'passwd',
    'bearer_token',
    'X-Api-Key',
    'authorization',
    'Cookie',
    'client_key',
    'secret',
  ])('are masked under the name %s', async (name) => {
    const text = await written((logger) => logger.info('x', { nested: { [name]: 'hunter22' } }));
    expect(text).not.toContain('hunter22');
    expect(text).toContain('***');
  });

  test('names that only tell about a secret are shown', async () => {
    expect(
      await record({ token_file: '/run/secrets/loki', passwordFile: '/p', password: '', token: null }),
    ).toMatchObject({ token_file: '/run/secrets/loki', passwordFile: '/p', password: '', token: null });
  });

  test('are masked by value wherever they turn up', async () => {
    const secret = 's3cr+t/väl';
    const cause = new Error(`server said: ${secret}`);
    const text = await written(
      (logger) => {
        logger.warn(`said ${secret}`, {
          url: `http://loki/?t=${encodeURIComponent(secret)}`,
          [`key ${secret}`]: 1,
          list: [secret, new Map([['a', secret]]), new URL(`http://h/${secret}`)],
          error: new PollardError('x', `bad ${secret}`, { hint: `not ${secret}`, cause }),
        });
        logger.warn('bug', { error: new Error(secret) });
      },
      { secrets: [`${secret}\n`] },
    );
    expect(text).not.toContain(secret);
    expect(text).not.toContain(encodeURIComponent(secret));
    expect(text).toContain('bad ***');
  });

  test('one that begins with another is masked whole', async () => {
    const text = await written((logger) => logger.info('abcdefgh abcd'), { secrets: ['abcd', 'abcdefgh'] });
    expect(text).toContain('"*** ***"');
  });

  test('passwords in URLs, Authorization headers and private keys are masked, known or not', async () => {
    const text = await written((logger) =>
      logger.info('proxy http://user:pa55word@proxy:3128/x', {
        header: 'Authorization: Bearer abc.def.ghi',
        raw: '{"authorization":"Basic dXNlcjpwYXNz"}',
        pem: '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n',
      }),
    );
    expect(text).toContain('http://user:***@proxy:3128/x');
    for (const part of ['pa55word', 'abc.def', 'dXNlcj', 'MIIE']) expect(text).not.toContain(part);
  });

  test('a value too short to be one does not eat the text', async () => {
    expect(await written((logger) => logger.info('a line'), { secrets: ['', 'a', ' '] })).toContain('a line');
  });
});

describe('what cannot be printed', () => {
  test('is bounded in size and depth, and never throws', async () => {
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    const hostile = {
      get trap(): never {
        throw new Error('boom');
      },
    };
    const text = await written((logger) =>
      logger.info('x', {
        ring,
        hostile,
        long: 'y'.repeat(1_000_000),
        error: new Error('z'.repeat(1_000_000)),
        many: Array.from({ length: 10_000 }, (_, i) => i),
        wide: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i])),
        bytes: Buffer.alloc(5000),
        nothing: undefined,
        nan: NaN,
        call: () => 1,
      }),
    );
    expect(text.length).toBeLessThan(60_000);
    expect(JSON.parse(text)).toMatchObject({
      hostile: '[cannot be printed]',
      bytes: '[5000 bytes]',
      nan: 'NaN',
      call: '[function]',
    });
    expect(text).not.toContain('"nothing"');
  });
});

describe('the end', () => {
  test('what is said after closing goes nowhere, and closing twice is allowed', async () => {
    const sheet = new Sheet();
    const logger = createLogger({
      level: 'info',
      format: 'json',
      secrets: [],
      clock: new ManualClock(),
      stream: sheet,
    });
    logger.info('first');
    await logger.close();
    logger.info('second');
    await logger.close();
    expect(sheet.text).toContain('first');
    expect(sheet.text).not.toContain('second');
    expect(sheet.listenerCount('error')).toBe(0);
  });

  test('a reader that went away does not end the process', async () => {
    const broken = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const logger = createLogger({
      level: 'info',
      format: 'json',
      secrets: [],
      clock: new ManualClock(),
      stream: broken,
    });
    logger.info('nobody hears this');
    await new Promise((resolve) => setImmediate(resolve));
    logger.info('nor this');
    await logger.close();
    expect(broken.destroyed).toBe(true);
  });
});
