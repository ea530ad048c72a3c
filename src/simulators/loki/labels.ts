import { goQuote } from './go-format.js';

export interface Label {
  readonly name: string;
  readonly value: string;
}

/** Labels that cannot be read; `message` as the parser of Prometheus begins it. */
export class LabelSyntaxError extends Error {
  override name = 'LabelSyntaxError';
}

const NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`/y;
const ESCAPE = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|.)/gs;
const ESCAPED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Reads tokens from a text with a place in it; shared by stream labels and by selectors. */
export class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** What the pattern (sticky) matches here, after white space. */
  take(pattern: RegExp): string | undefined {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at = pattern.lastIndex;
    return match[0];
  }

  name(): string | undefined {
    return this.take(NAME);
  }

  metricName(): string | undefined {
    return this.take(METRIC_NAME);
  }

  /** A quoted string, with its escapes resolved. */
  string(): string | undefined {
    const quoted = this.take(STRING);
    return quoted === undefined ? undefined : this.#unquote(quoted);
  }

  get ended(): boolean {
    return this.take(/$/y) !== undefined;
  }

  fail(): LabelSyntaxError {
    const found = this.ended ? 'end of input' : JSON.stringify(this.text.slice(this.at, this.at + 12));
    return new LabelSyntaxError(`1:${this.at + 1}: parse error: unexpected ${found}`);
  }

  #unquote(quoted: string): string {
    const inner = quoted.slice(1, -1);
    if (quoted.startsWith('`')) return inner;
    return inner.replace(ESCAPE, (all, short, hex, u4, u8, octal) => {
      if (typeof short === 'string') return ESCAPED[short] ?? short;
      if (typeof octal === 'string') return String.fromCodePoint(parseInt(octal, 8));
      const code = [hex, u4, u8].find((digits): digits is string => typeof digits === 'string');
      const point = code === undefined ? NaN : parseInt(code, 16);
      if (!(point <= 0x10ffff)) {
        throw new LabelSyntaxError(`1:${this.at + 1}: parse error: invalid escape ${all}`);
      }
      return String.fromCodePoint(point);
    });
  }
}

/**
 * Reads a stream's labels, `{a="b", c="d"}`, sorted by name, without those that have an empty value
 * (pkg/logql/syntax/parser.go ParseLabels, promql ParseMetric). Quoted UTF-8 names are not understood.
 *
 * @throws LabelSyntaxError
 */
export function parseLabels(text: string): Label[] {
  const scanner = new Scanner(text);
  const labels: Label[] = [];
  const metric = scanner.metricName();
  if (metric !== undefined) labels.push({ name: '__name__', value: metric });
  if (scanner.take(/\{/y) === undefined) {
    if (metric === undefined || !scanner.ended) throw scanner.fail();
    return labels;
  }
  while (scanner.take(/\}/y) === undefined) {
    const name = scanner.name();
    if (name === undefined || scanner.take(/=(?![~=])/y) === undefined) throw scanner.fail();
    const value = scanner.string();
    if (value === undefined) throw scanner.fail();
    if (value !== '') labels.push({ name, value });
    if (scanner.take(/,/y) === undefined && scanner.take(/(?=\})/y) === undefined) throw scanner.fail();
  }
  if (!scanner.ended) throw scanner.fail();
  return sorted(labels);
}

/** The labels as Loki prints and compares them. */
export function formatLabels(labels: readonly Label[]): string {
  return `{${labels.map(({ name, value }) => `${name}=${goQuote(value)}`).join(', ')}}`;
}

/** With one label set, replacing one of that name. */
export function withLabel(labels: readonly Label[], name: string, value: string): Label[] {
  return sorted([...labels.filter((label) => label.name !== name), { name, value }]);
}

export function labelValue(labels: readonly Label[], name: string): string | undefined {
  return labels.find((label) => label.name === name)?.value;
}

export function toRecord(labels: readonly Label[]): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}

export function sameLabels(a: readonly Label[], b: readonly Label[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((label, i) => same(label, b[i]));
}

function same(a: Label, b: Label | undefined): boolean {
  return a.name === b?.name && a.value === b.value;
}

function sorted(labels: Label[]): Label[] {
  return labels.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
