import type { Writable } from 'node:stream';
import winston from 'winston';
import type { Clock } from '../model/clock.js';
import type { LogFields, Logger, LogLevel } from '../model/logger.js';
import { formatStamp } from '../model/nanoseconds.js';
import { jsonLine, prettyLine, type LogRecord } from './log-format.js';
import { plainFields, plainValue } from './plain-fields.js';
import { secretMask } from './secret-mask.js';

/** `auto` is `pretty` on a terminal, else `json`. */
export type LogFormat = 'json' | 'pretty' | 'auto';

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Values that must never be printed, wherever they turn up. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  /** Where to; standard error by default, so that the standard output of a command stays its own. */
  readonly stream?: Writable & { readonly isTTY?: boolean };
}

/** A logger, and the duty to close it. */
export interface ClosableLogger extends Logger {
  /** Resolves when all that was said is written. What is said later goes nowhere. */
  close(): Promise<void>;
}

const LEVELS: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };

/**
 * Makes the logger of a process. A reader of its stream that goes away (EPIPE) does not end the process: the
 * collector goes on without being heard.
 */
export function createLogger(options: LoggerOptions): ClosableLogger {
  const { clock, level: threshold, stream = process.stderr } = options;
  const pretty = options.format === 'pretty' || (options.format === 'auto' && stream.isTTY === true);
  const colour = stream.isTTY === true && process.env['NO_COLOR'] === undefined;
  const mask = secretMask(options.secrets);
  const print = (record: LogRecord) => (pretty ? prettyLine(record, colour) : jsonLine(record));

  const sink = winston.createLogger({
    levels: LEVELS,
    level: threshold,
    format: winston.format.printf((info) => print(info['record'] as LogRecord)),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types it so
    transports: [new winston.transports.Stream({ stream, eol: '\n' })],
  });
  let closed: Promise<void> | undefined;
  const unheard = () => undefined;
  stream.on('error', unheard);

  const say = (level: LogLevel, message: string, fields: LogFields = {}) => {
    if (LEVELS[level] > LEVELS[threshold] || closed) return;
    const time = `${formatStamp(clock.now()).slice(0, 23)}Z`;
    const record: LogRecord = {
      time,
      level,
      message: plainValue(message, mask) as string,
      fields: plainFields(fields, mask),
    };
    // As one object: winston would append a field named `message` to the text.
    sink.log({ level, message: '', record });
  };

  const close = async () => {
    await new Promise<void>((resolve) => sink.once('finish', resolve).end());
    // The stream is not ours to end; an empty write is called back behind all others, or when it is broken.
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
    stream.off('error', unheard);
  };

  return {
    error: (message, fields) => say('error', message, fields),
    warn: (message, fields) => say('warn', message, fields),
    info: (message, fields) => say('info', message, fields),
    debug: (message, fields) => say('debug', message, fields),
    close: () => (closed ??= close()),
  };
}
