import { PollardError } from '../model/errors.js';
import { isSecretKey, MASK, type SecretMask } from './secret-mask.js';

/** A value that JSON can hold. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

const DEEPEST = 6;
const LONGEST_TEXT = 8192;
const MOST_ITEMS = 100;
/** What errors of Node and undici tell besides code and message. */
const ERROR_DETAILS = ['code', 'syscall', 'address', 'port', 'path', 'hint', 'setting', 'container'] as const;

/**
 * Turns what was given as a field into what can be printed: errors with code, hint and setting, bigints as text,
 * secrets masked by the name they stand under and by value. Bounded in depth and size, whatever a hostile answer
 * brought into an error's message. Never throws.
 */
export function plainValue(value: unknown, mask: SecretMask, depth = 0): Plain {
  switch (typeof value) {
    case 'string':
      return shorten(mask(value));
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    case 'undefined':
      return null;
    case 'function':
    case 'symbol':
      return `[${typeof value}]`;
    default:
      return value === null ? null : plainObject(value as object, mask, depth);
  }
}

/** The fields of a message, each as `plainValue` prints it; undefined ones are left out. */
export function plainFields(fields: object, mask: SecretMask, depth = 0): { [key: string]: Plain } {
  const plain: { [key: string]: Plain } = {};
  let left = MOST_ITEMS;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (left-- === 0) {
      plain['…'] = `${Object.keys(fields).length - MOST_ITEMS} more`;
      break;
    }
    plain[shorten(mask(key))] =
      isSecretKey(key) && holdsSomething(value) ? MASK : plainValue(value, mask, depth + 1);
  }
  return plain;
}

function plainObject(value: object, mask: SecretMask, depth: number): Plain {
  if (depth >= DEEPEST) return '[…]';
  try {
    if (value instanceof Error) return plainError(value, mask, depth);
    if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value) || value instanceof Set) return plainList([...value], mask, depth);
    if (value instanceof Map) return plainFields(Object.fromEntries(value) as object, mask, depth);
    // Date, URL, luxon's DateTime
    if (hasJson(value)) return plainValue(value.toJSON(), mask, depth + 1);
    return plainFields(value, mask, depth);
  } catch {
    return '[cannot be printed]';
  }
}

function plainList(values: readonly unknown[], mask: SecretMask, depth: number): Plain[] {
  const plain = values.slice(0, MOST_ITEMS).map((value) => plainValue(value, mask, depth + 1));
  if (values.length > MOST_ITEMS) plain.push(`… ${values.length - MOST_ITEMS} more`);
  return plain;
}

function plainError(error: Error, mask: SecretMask, depth: number): { [key: string]: Plain } {
  const plain: { [key: string]: Plain } = { name: error.name, message: plainValue(error.message, mask) };
  for (const name of ERROR_DETAILS) {
    const detail = (error as Error & Partial<Record<typeof name, unknown>>)[name];
    if (detail !== undefined) plain[name] = plainValue(detail, mask, depth + 1);
  }
  if (error.cause !== undefined) plain['cause'] = plainValue(error.cause, mask, depth + 1);
  if (error instanceof AggregateError) plain['errors'] = plainList(error.errors, mask, depth);
  // What we throw on purpose says what is wrong; anything else, and not one of the system's, is a bug of ours.
  const expected = error instanceof PollardError || 'code' in error || depth > 1;
  if (!expected && error.stack !== undefined) plain['stack'] = shorten(mask(error.stack));
  return plain;
}

function hasJson(value: object): value is { toJSON: () => unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

function holdsSomething(value: unknown): boolean {
  return value !== null && value !== '' && typeof value !== 'boolean';
}

function shorten(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  return `${text.slice(0, LONGEST_TEXT)}… (${text.length - LONGEST_TEXT} more characters)`;
}
