import * as z from 'zod';

/**
 * The kinds of value that a setting can have. Each reads what a person writes and gives what the program needs;
 * its `meta` says in words what is allowed, for the message and for the reference, and how it is written.
 */
export type Kind =
  'text' | 'choice' | 'duration' | 'bytes' | 'start' | 'toggle' | 'number' | 'integer' | 'list' | 'map';

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** A length of time such as `500ms`, `5s`, `1h30m`, `7d`, in whole ms; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const compact = text.trim();
  if (compact === '0') return 0;
  if (!DURATION.test(compact)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of compact.matchAll(DURATION_PART)) {
    ms += Number(amount) * (UNITS_MS[unit as string] as number);
  }
  // Whole, as stamps are made of it: 2.3s would else be 2299.9999999999995 ms.
  const whole = Math.round(ms);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

/** Prints a length of time as parseDuration reads it, in the largest unit that leaves no fraction. `ms` is whole. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = UNITS_MS[unit] as number;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return ms === 0 ? '0' : `${ms}ms`;
}

const UNITS_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
};
const SIZE = /^(\d+(?:\.\d+)?)\s*(b|kib|mib|gib|kb|mb|gb)?$/i;

/** A size such as `64KiB`, `3MiB`, `100kB` or a number of bytes; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const match = SIZE.exec(text.trim());
  if (!match) return undefined;
  const bytes = Math.round(Number(match[1]) * (UNITS_BYTES[(match[2] ?? '').toLowerCase()] as number));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Prints a size as parseBytes reads it. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** A length of time between two bounds (inclusive, in words: `1s`), in ms. */
export function duration(min: string, max: string) {
  const [low, high] = [parseDuration(min) as number, parseDuration(max) as number];
  const allowed = `a duration such as 500ms, 5s, 1h30m, from ${min} to ${max}`;
  return z
    .union([z.string(), z.number()])
    .transform((written, context) => {
      // Of numbers only 0 needs no unit.
      const ms = parseDuration(String(written));
      if (ms !== undefined && ms >= low && ms <= high) return ms;
      context.addIssue({ code: 'custom', message: allowed });
      return z.NEVER;
    })
    .meta({ allowed, kind: 'duration' });
}

/** A size between two bounds (inclusive, in words: `64KiB`), in bytes. */
export function bytes(min: string, max: string) {
  const [low, high] = [parseBytes(min) as number, parseBytes(max) as number];
  const allowed = `a size such as 512KiB, 3MiB, from ${min} to ${max}`;
  return z
    .union([z.string(), z.number()])
    .transform((written, context) => {
      const size = parseBytes(String(written));
      if (size !== undefined && size >= low && size <= high) return size;
      context.addIssue({ code: 'custom', message: allowed });
      return z.NEVER;
    })
    .meta({ allowed, kind: 'bytes' });
}

/** A number between two bounds, inclusive. */
export function number(min: number, max: number) {
  const allowed = `a number from ${min} to ${max}`;
  return z
    .number({ error: allowed })
    .min(min, { error: allowed })
    .max(max, { error: allowed })
    .meta({ allowed, kind: 'number' });
}

/** A whole number between two bounds, inclusive. */
export function integer(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`;
  return z
    .number({ error: allowed })
    .int({ error: allowed })
    .min(min, { error: allowed })
    .max(max, { error: allowed })
    .meta({ allowed, kind: 'integer' });
}

/** true or false. */
export function toggle() {
  return z.boolean({ error: 'true or false' }).meta({ allowed: 'true or false', kind: 'toggle' });
}

/** Text that is not empty. */
export function text(allowed = 'a text that is not empty') {
  return z.string({ error: allowed }).min(1, { error: allowed }).meta({ allowed, kind: 'text' });
}

/** One of some words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  const allowed = `one of ${words.join(', ')}`;
  return z.enum(words, { error: allowed }).meta({ allowed, kind: 'choice' });
}

/** Any number of values of one kind. @param allowed what the whole is, in words */
export function list<T extends z.ZodType>(item: T, allowed: string) {
  return z.array(item, { error: allowed }).meta({ allowed, kind: 'list' });
}

/** Texts by name. @param allowed what the whole is, in words; @param allowedValue what one of them is */
export function map(allowed: string, allowedValue: string) {
  return z
    .record(z.string(), z.string({ error: allowedValue }).meta({ allowed: allowedValue }), { error: allowed })
    .meta({ allowed, kind: 'map' });
}
