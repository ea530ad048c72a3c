import { DEFAULT_LABEL_LIMITS, type LabelLimits, type LabelSet } from '../model/labels.js';

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/**
 * Writes labels as Loki reads them: `{a="b", c="d"}`, sorted by name, so that equal labels are always the same
 * text. Labels with an empty value are left out, as Loki leaves them out (pkg/logql/syntax/parser.go
 * ParseLabels). Values are quoted as Go's strconv.Quote does for what may not stand there as it is; other
 * characters stay (util/strutil/quote.go of Prometheus reads both).
 */
export function formatLabels(labels: LabelSet): string {
  const pairs = Object.entries(labels)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${quoted(value)}`);
  return `{${pairs.join(', ')}}`;
}

function quoted(value: string): string {
  // Half a surrogate pair becomes U+FFFD, as it does in the bytes that are sent.
  const wellFormed = Buffer.from(value, 'utf8').toString('utf8');
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const body = wellFormed.replace(/[\\"\x00-\x1f\x7f-\x9f]/g, (char) => {
    const short = SHORT_ESCAPES[char];
    if (short !== undefined) return short;
    const code = char.charCodeAt(0);
    // \x stands for a byte, not for a character.
    return code < 0x80 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
  });
  return `"${body}"`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/**
 * What Loki would refuse a stream with these labels for (pkg/distributor/validator.go ValidateLabels), as
 * sentences; none: it takes them, as far as can be known here.
 */
export function labelProblems(labels: LabelSet, limits: LabelLimits = DEFAULT_LABEL_LIMITS): string[] {
  const present = Object.entries(labels).filter(([, value]) => value !== '');
  const problems: string[] = [];
  if (present.length === 0) problems.push('there is no label, and a stream needs one');
  const counted = present.filter(([name]) => name !== 'service_name').length;
  if (counted > limits.maxNames) problems.push(`${counted} labels, and Loki takes ${limits.maxNames}`);
  for (const [name, value] of present) {
    const shown = JSON.stringify(name.slice(0, 80));
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) problems.push(`${shown} is not a label name`);
    const nameBytes = Buffer.byteLength(name);
    if (nameBytes > limits.maxNameBytes) {
      problems.push(`the name ${shown} has ${nameBytes} bytes, and Loki takes ${limits.maxNameBytes}`);
    }
    const valueBytes = Buffer.byteLength(value);
    if (valueBytes > limits.maxValueBytes) {
      problems.push(`the value of ${shown} has ${valueBytes} bytes, and Loki takes ${limits.maxValueBytes}`);
    }
  }
  return problems;
}
