import type { LogFields, Logger, LogLevel } from '../../../src/model/logger.js';
import { RateLimitedLogger, type RateLimitOptions } from '../../../src/observe/rate-limit.js';
import { ManualClock } from '../../support/manual-clock.js';

interface Said {
  level: LogLevel;
  message: string;
  fields: LogFields;
}

function limited(options: Partial<RateLimitOptions> = {}) {
  const said: Said[] = [];
  const say =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      void said.push({ level, message, fields });
  const plain: Logger = { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') };
  const clock = new ManualClock();
  const logger = new RateLimitedLogger({ logger: plain, clock, repeatInterval: 60_000, ...options });
  return { said, clock, logger, messages: () => said.map(({ message }) => message) };
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('equal messages', () => {
  test('are said at once, then counted, said once an interval, and when they end', async () => {
    const { said, clock, logger } = limited();
    for (let i = 0; i < 30; i++) {
      logger.warn('the poll failed', { container: 'web', error: coded('reset'), try: i });
      await clock.pass(5000);
      logger.sweep();
    }
    for (let i = 0; i < 3; i++) {
      await clock.pass(60_000);
      logger.sweep();
    }
    expect(said.map(({ message }) => message)).toEqual([
      'the poll failed',
      'the poll failed (11 more in 60 s)',
      'the poll failed (12 more in 60 s)',
      expect.stringMatching(/^the poll failed \(6 more in \d+ s\)$/),
      'the poll failed (not again for 60 s)',
    ]);
    expect(said[1]!.fields).toMatchObject({ container: 'web', repeated: 11 });
    expect(said[4]).toMatchObject({
      level: 'info',
      fields: { container: 'web', times: 30, since: '2023-11-14T22:13:20.000000000Z' },
    });
    expect(logger.size).toBe(0);
  });

  test('of another container, level, text or error code are others', () => {
    const { said, logger } = limited();
    logger.warn('the poll failed', { container: 'a', error: coded('reset') });
    logger.warn('the poll failed', { container: 'b', error: coded('reset') });
    logger.warn('the poll failed', { container: 'a', error: coded('timeout') });
    logger.error('the poll failed', { container: 'a', error: coded('reset') });
    logger.warn('the push failed', { container: 'a', error: coded('reset') });
    expect(said).toHaveLength(5);
    logger.warn('the poll failed', { container: 'b', error: coded('reset') });
    expect(said).toHaveLength(5);
  });

  test('take the container from the error when it is named there only', () => {
    const { said, logger } = limited();
    for (const container of ['a', 'b', 'a'])
      logger.warn('x', { error: Object.assign(new Error('x'), { container }) });
    expect(said).toHaveLength(2);
  });

  test('one that came once is forgotten without a word', async () => {
    const { said, clock, logger } = limited();
    logger.warn('once');
    await clock.pass(60_000);
    logger.sweep();
    expect(said).toHaveLength(1);
    logger.warn('once');
    expect(said).toHaveLength(2);
  });

  test('are told without a sweep when another one comes after the interval', async () => {
    const { messages, clock, logger } = limited();
    logger.warn('x');
    logger.warn('x');
    await clock.pass(61_000);
    logger.warn('x');
    expect(messages()).toEqual(['x', 'x (2 more in 61 s)']);
  });

  test('info and debug pass', () => {
    const { said, logger } = limited();
    for (let i = 0; i < 3; i++) {
      logger.info('polled');
      logger.debug('asked');
    }
    expect(said).toHaveLength(6);
  });
});

describe('bounds', () => {
  test('thousands of containers keep few counts, and none is lost from the sum', async () => {
    const { said, clock, logger } = limited({ maxContainers: 50 });
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < 5000; i++) logger.warn('the poll failed', { container: `c${i}` });
    expect(said).toHaveLength(51);
    expect(logger.size).toBe(51);
    await clock.pass(60_000);
    logger.sweep();
    const repeated = said.map(({ fields }) => (fields['repeated'] as number | undefined) ?? 1);
    expect(repeated.reduce((sum, n) => sum + n)).toBe(15_000);
    expect(said.at(-1)!.message).toMatch(/^the poll failed \(\d+ more in 60 s, of containers c51, c52, /);
  });

  test('texts without end (a fault of a caller) keep few counts too', () => {
    const { said, logger } = limited({ maxMessages: 20 });
    for (let i = 0; i < 10_000; i++) logger.error(`failed at ${i}`);
    expect(said).toHaveLength(21);
    expect(logger.size).toBe(21);
    logger.flush();
    expect(said.at(-1)!.message).toBe('failed at 9999 (9979 more in 0 s, this one and others)');
  });

  test('room is given back when messages end', async () => {
    const { said, clock, logger } = limited({ maxContainers: 1 });
    logger.warn('x', { container: 'a' });
    await clock.pass(60_000);
    logger.sweep();
    logger.warn('x', { container: 'b' });
    logger.warn('x', { container: 'b' });
    expect(said).toHaveLength(2);
    expect(logger.size).toBe(1);
  });
});

test('runs until told to stop, and says then what was counted', async () => {
  const { messages, clock, logger } = limited();
  const stop = new AbortController();
  const running = logger.run(stop.signal);
  logger.error('down');
  logger.error('down');
  await clock.pass(75_000);
  expect(messages()).toEqual(['down', 'down (1 more in 60 s)']);
  logger.error('down');
  stop.abort();
  await running;
  expect(messages()).toHaveLength(3);
});
