import { DETECTED_LEVEL, lineText } from './entry.js';
import { labelValue, type Label } from './labels.js';

/** Where a level is looked for, first found first taken (pkg/validation/limits.go log_level_fields). */
const LEVEL_FIELDS = [
  'level',
  'LEVEL',
  'Level',
  'Severity',
  'severity',
  'SEVERITY',
  'lvl',
  'LVL',
  'Lvl',
  'severity_text',
  'Severity_Text',
  'SEVERITY_TEXT',
];
const LEVEL_FIELD_SET = new Set(LEVEL_FIELDS);

const LEVELS: Readonly<Record<string, string>> = {
  trace: 'trace',
  trc: 'trace',
  debug: 'debug',
  dbg: 'debug',
  info: 'info',
  inf: 'info',
  warn: 'warn',
  wrn: 'warn',
  warning: 'warn',
  error: 'error',
  err: 'error',
  critical: 'critical',
  fatal: 'fatal',
};

/** How deep into a JSON line (log_level_from_json_max_depth). */
const JSON_DEPTH = 2;

/**
 * The structured metadata that Loki keeps for an entry: a `detected_level` is added where none was sent
 * (pkg/distributor/field_detection.go). It makes the message to the ingester some 26 bytes an entry larger than
 * what the client sent.
 */
export function withDetectedLevel(
  labels: readonly Label[],
  metadata: readonly Label[],
  line: string,
): readonly Label[] {
  if (labelValue(metadata, DETECTED_LEVEL) !== undefined) return metadata;
  const level = given(labels) ?? given(metadata) ?? levelOfLine(line);
  return level === '' ? metadata : [...metadata, { name: DETECTED_LEVEL, value: level }];
}

function given(labels: readonly Label[]): string | undefined {
  for (const field of LEVEL_FIELDS) {
    const value = labelValue(labels, field);
    if (value !== undefined) return value;
  }
  return undefined;
}

function levelOfLine(line: string): string {
  const field = fieldOfLine(line);
  return LEVELS[field?.toLowerCase() ?? ''] ?? levelOfWords(line);
}

function fieldOfLine(line: string): string | undefined {
  if (/^\s*\{/.test(line) && /\}\s*$/.test(line)) {
    try {
      return fieldOfJson(JSON.parse(lineText(line)) as unknown, 0);
    } catch {
      return undefined;
    }
  }
  return line.includes('=') ? fieldOfLogfmt(line) : undefined;
}

function fieldOfJson(value: unknown, depth: number): string | undefined {
  if (depth >= JSON_DEPTH || typeof value !== 'object' || value === null || Array.isArray(value))
    return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && LEVEL_FIELD_SET.has(key)) return inner;
    const found = fieldOfJson(inner, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Keys in any case; that of the foremost name wins, wherever it stands in the line. */
function fieldOfLogfmt(line: string): string | undefined {
  let best: string | undefined;
  let rank = LEVEL_FIELDS.length;
  for (const [, key, quoted, plain] of line.matchAll(/([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))/g)) {
    const place = LEVEL_FIELDS.findIndex((field) => field.toLowerCase() === key?.toLowerCase());
    if (place === -1 || place >= rank) continue;
    best = quoted ?? plain;
    rank = place;
  }
  return best;
}

function levelOfWords(line: string): string {
  if (/info|INFO/.test(line)) return 'info';
  if (/err:|ERR:|error|ERROR/.test(line)) return 'error';
  if (/warn:|WARN:|warning|WARNING/.test(line)) return 'warn';
  if (/CRITICAL:|critical:/.test(line)) return 'critical';
  if (/debug:|DEBUG:/.test(line)) return 'debug';
  return 'unknown';
}
