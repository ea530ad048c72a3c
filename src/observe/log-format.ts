import { styleText } from 'node:util';
import type { LogLevel } from '../model/logger.js';
import type { Plain } from './plain-fields.js';

/** One message, ready to be printed: plain values only, secrets masked. */
export interface LogRecord {
  /** RFC 3339, UTC, ms. */
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, Plain>>;
}

const RESERVED = new Set(['time', 'level', 'message']);
const COLOURS = { error: 'red', warn: 'yellow', info: 'green', debug: 'gray' } as const;
// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** One JSON object a line: `time`, `level`, `message`, then the fields. */
export function jsonLine(record: LogRecord): string {
  const fields: Record<string, Plain> = {};
  for (const [name, value] of Object.entries(record.fields))
    fields[RESERVED.has(name) ? `field_${name}` : name] = value;
  return JSON.stringify({ time: record.time, level: record.level, message: record.message, ...fields });
}

/**
 * For people: time, level, message, `name=value`; an error's message, code, hint and cause on lines of their own.
 * Control characters are escaped: what a container or a server wrote must not steer the terminal.
 */
export function prettyLine(record: LogRecord, colour: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    // Node would look whether standard output takes colours, and this goes elsewhere.
    colour ? styleText(style, text, { validateStream: false }) : text;
  const parts = [
    paint('gray', record.time),
    paint(COLOURS[record.level], record.level.padEnd(5)),
    visible(record.message),
  ];
  const below: string[] = [];
  for (const [name, value] of Object.entries(record.fields)) {
    if (name === 'error' && isObject(value)) below.push(...errorLines(value));
    else parts.push(`${paint('gray', `${visible(name)}=`)}${fieldText(value)}`);
  }
  return [parts.join(' '), ...below.map((line) => `    ${line}`)].join('\n');
}

function errorLines(error: Readonly<Record<string, Plain>>): string[] {
  const { name, message, code, hint, cause, stack, ...rest } = error;
  const lines = [`${bare(message ?? name ?? 'error')}${code === undefined ? '' : ` (${bare(code)})`}`];
  const details = Object.entries(rest).map(([key, value]) => `${visible(key)}=${fieldText(value)}`);
  if (details.length > 0) lines.push(details.join(' '));
  if (hint !== undefined) lines.push(`hint: ${bare(hint)}`);
  if (typeof stack === 'string')
    lines.push(
      ...stack
        .split('\n')
        .slice(1)
        .map((line) => visible(line.trim())),
    );
  if (isObject(cause)) lines.push(...errorLines(cause).map((line, i) => (i === 0 ? `cause: ${line}` : line)));
  else if (cause !== undefined) lines.push(`cause: ${bare(cause)}`);
  return lines;
}

function isObject(value: Plain | undefined): value is { [key: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bare(value: Plain): string {
  return typeof value === 'string' ? visible(value) : visible(JSON.stringify(value));
}

function fieldText(value: Plain): string {
  if (typeof value !== 'string') return visible(JSON.stringify(value));
  return /^[^\s"=]+$/.test(value) ? visible(value) : visible(JSON.stringify(value));
}

function visible(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
