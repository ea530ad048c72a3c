import { LabelSyntaxError, Scanner, type Label } from './labels.js';

/** Says whether a stream with these labels is meant. */
export type StreamMatcher = (labels: readonly Label[]) => boolean;

/** A query that Loki answers with 400. */
export class SelectorError extends Error {
  override name = 'SelectorError';
}

interface Condition {
  readonly name: string;
  readonly holds: (value: string) => boolean;
}

const NEEDS_A_VALUE =
  'queries require at least one regexp or equality matcher that does not have an empty-compatible value. ' +
  'For instance, app=~".*" does not meet this requirement, but app=~".+" will';

/** A query of log lines. */
export interface LogQuery {
  readonly matches: StreamMatcher;
  /** Whether an entry is kept, by its stream's labels and its structured metadata. */
  readonly keeps: (labels: readonly Label[], metadata: readonly Label[]) => boolean;
}

/**
 * Reads a stream selector, `{a="b", c!="d", e=~"f|g", h!~"i"}`. Nothing may stand behind it.
 *
 * @throws SelectorError
 */
export function parseSelector(text: string): StreamMatcher {
  return parse(text, false).matches;
}

/**
 * Reads a selector with label filters behind it, `{a="b"} | c="d" | e!="f"`, which look at structured metadata as
 * well. Other filters and stages are not understood.
 *
 * @throws SelectorError
 */
export function parseLogQuery(text: string): LogQuery {
  return parse(text, true);
}

/**
 * A query must have one condition that an absent label does not meet (pkg/logql/syntax/parser.go
 * validateMatchers).
 */
function parse(text: string, withFilters: boolean): LogQuery {
  const scanner = new Scanner(text);
  const conditions: Condition[] = [];
  const filters: Condition[] = [];
  try {
    if (scanner.take(/\{/y) === undefined) throw scanner.fail();
    while (scanner.take(/\}/y) === undefined) {
      conditions.push(readCondition(scanner));
      if (scanner.take(/,/y) === undefined && scanner.take(/(?=\})/y) === undefined) throw scanner.fail();
    }
    while (withFilters && scanner.take(/\|(?![=~>])/y) !== undefined) filters.push(readCondition(scanner));
    if (!scanner.ended) throw scanner.fail();
  } catch (error) {
    if (!(error instanceof LabelSyntaxError)) throw error;
    throw new SelectorError(`parse error at line 1, col ${scanner.at + 1}: syntax error: ${error.message}`);
  }
  if (conditions.every(({ holds }) => holds(''))) throw new SelectorError(`parse error : ${NEEDS_A_VALUE}`);
  return {
    matches: (labels) => meets(conditions, labels),
    keeps: (labels, metadata) => filters.length === 0 || meets(filters, [...labels, ...metadata]),
  };
}

function meets(conditions: readonly Condition[], labels: readonly Label[]): boolean {
  return conditions.every(({ name, holds }) =>
    holds(labels.find((label) => label.name === name)?.value ?? ''),
  );
}

function readCondition(scanner: Scanner): Condition {
  const name = scanner.name();
  const operator = scanner.take(/=~|!~|!=|=/y);
  const value = scanner.string();
  if (name === undefined || operator === undefined || value === undefined) throw scanner.fail();
  switch (operator) {
    case '=':
      return { name, holds: (actual) => actual === value };
    case '!=':
      return { name, holds: (actual) => actual !== value };
    case '=~': {
      const pattern = anchored(value);
      return { name, holds: (actual) => pattern.test(actual) };
    }
    default: {
      const pattern = anchored(value);
      return { name, holds: (actual) => !pattern.test(actual) };
    }
  }
}

/** Expressions are anchored at both ends, and a dot matches a new line (prometheus labels.Matcher). */
function anchored(expression: string): RegExp {
  try {
    return new RegExp(`^(?:${expression})$`, 'su');
  } catch {
    throw new SelectorError(`parse error : error parsing regexp: \`${expression}\``);
  }
}
