import { parseStamp } from '../../src/model/nanoseconds.js';

const KEY = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
/** RFC 3339 in UTC, with nine digits. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
/** Keys whose value is a time wherever they are. */
const TIMES = new Set(['since', 'until', 'started', 'at', 'committed', 'timestamp', 'assigned']);
/** Its keys are names of labels, which have rules of their own. */
const LABELS = 'labels';
/** What containers wrote, which may look like anything. */
const FOREIGN = 'text';
/** Seconds, ms, µs and ns since 1970 of about now. */
const NOW = [1, 1e3, 1e6, 1e9].map((unit) => (Date.now() / 1000) * unit);

/**
 * What in a JSON document is not of the form that the README promises for all of Pollard's: keys in snake_case, times
 * as RFC 3339.
 *
 * @returns for each fault its path and what is wrong; empty for a good document
 */
export function jsonFormFaults(value: unknown, path = '$'): string[] {
  if (Array.isArray(value)) return value.flatMap((item, at) => jsonFormFaults(item, `${path}[${at}]`));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, held]) => {
      const at = `${path}.${key}`;
      const isLabel = path.endsWith(`.${LABELS}`);
      const faults = isLabel || KEY.test(key) ? [] : [`${at}: the key is not snake_case`];
      if (key === FOREIGN || isLabel) return faults;
      if (TIMES.has(key) && held !== null && !isTime(held))
        return [...faults, `${at}: ${shown(held)} is no time`];
      return [...faults, ...jsonFormFaults(held, at)];
    });
  }
  return isOddTime(value) ? [`${path}: ${shown(value)} is a time in another form`] : [];
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && TIME.test(value) && parseStamp(value) !== undefined;
}

function isOddTime(value: unknown): boolean {
  if (typeof value === 'number') return NOW.some((now) => Math.abs(value / now - 1) < 0.001);
  if (typeof value !== 'string') return false;
  return /^-?\d{10,}$/.test(value) || (/^\d{4}-\d\d-\d\d/.test(value) && !isTime(value));
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}
