import type { Setting } from './settings.js';

const MOST_CHARACTERS = 60;
/** Line ends, terminal escapes, and what turns the direction of the text: as \u…, so that a line stays a line. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A value as a message shows it: shortened, on one line, and nothing of a secret. */
export function shownValue(setting: Setting, value: unknown): string {
  if (setting.secret) return 'the value (not shown)';
  if (typeof value === 'string') return quoted(withoutCredentials(value));
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return 'no value';
}

/**
 * A key as a message shows it. What cannot be in a key is cut off: someone who forgot the space behind a colon
 * made a key of a secret (`password:secret`).
 */
export function shownKey(key: string): string {
  const start = /^[\w-]{0,60}/.exec(key)?.[0] ?? '';
  if (key === '') return '""';
  return start === key ? key : `${start}…`;
}

/** A text without line ends and other control characters, as it may stand in a message. */
export function printable(text: string): string {
  return text.replaceAll(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** An address without user, password and query; what is no address stays as it is. */
export function withoutCredentials(text: string): string {
  return text.replace(/^([\w+.-]*:\/\/)?.*@/s, '$1***@').replace(/(:\/\/[^?]*\?).*/s, '$1***');
}

/**
 * A text in quotes, up to its first blank: a line that was indented too far belongs to the value above it, and may
 * be one with a secret.
 */
export function quoted(text: string): string {
  const word = /^\S*/.exec(text)?.[0] ?? '';
  const shown = shortened(word);
  return printable(JSON.stringify(shown === word && word !== text ? `${word}…` : shown));
}

function shortened(text: string): string {
  // Half a surrogate pair would be no text.
  return text.length <= MOST_CHARACTERS
    ? text
    : `${text.slice(0, MOST_CHARACTERS).replace(/[\ud800-\udbff]$/, '')}…`;
}
