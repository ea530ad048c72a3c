import { Lexer, LineCounter, parseDocument, Parser, type Document, type YAMLError } from 'yaml';
import { ROOT, type Section } from './settings.js';

/** A place in a text, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

const DEEPEST = 100;

export interface YamlFault {
  readonly problem: string;
  readonly place: Place;
}

export interface YamlText {
  /** Undefined when the text is not YAML. */
  readonly document: Document.Parsed | undefined;
  readonly faults: readonly YamlFault[];
  placeOf(offset: number): Place;
}

/**
 * Reads YAML 1.2. All faults are reported, in words of our own: those of the parser quote from the text, and that
 * may be a secret. Never throws.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const placeOf = (offset: number) => placeIn(lines, offset);
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    return { document: undefined, faults: [{ problem: 'nested too deeply', place: deep }], placeOf };
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    stringKeys: true,
    strict: true,
    version: '1.2',
    // Not silent: then a second document would be passed over.
    logLevel: 'error',
  });
  // A tag that is not known would be read as if it were not there: a warning only to the parser.
  const faults = [...document.errors, ...document.warnings].map((error) => ({
    problem: wordsOf(error, text),
    place: placeOf(error.pos[0]),
  }));
  return { document: faults.length > 0 ? undefined : document, faults, placeOf };
}

function placeIn(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Where a text is nested deeper than any configuration. The parser itself would use up the stack and end the process. */
function tooDeepAt(text: string): Place | undefined {
  const lines = new LineCounter();
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    const tokens = parser.next(lexeme);
    while (tokens.next().done !== true);
    if (parser.stack.length > DEEPEST) return placeIn(lines, parser.offset);
  }
  return undefined;
}

const WORDS: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias (*) cannot have a tag or an anchor; a text that begins with * needs quotes',
  BAD_ALIAS: 'an alias (*) or anchor (&) without a name; a text that begins with * or & needs quotes',
  BAD_DIRECTIVE: 'a directive (%) that is not known; a text that begins with % needs quotes',
  BAD_DQ_ESCAPE: 'an escape (\\) in double quotes that is not known; in single quotes \\ needs no escape',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_SCALAR_START: 'a text that begins with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'a key and a value more than this line can hold; a text with ": " in it needs quotes',
  BLOCK_IN_FLOW: 'lines with "key:" or "- " do not go inside [ ] or { }',
  KEY_OVER_1024_CHARS: 'a key that is far too long',
  MISSING_CHAR: 'something is missing here: a bracket, a quote, a comma, a colon, or a space behind one',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line with its colon',
  MULTIPLE_DOCS: 'a second document begins here (---); one file holds one configuration',
  NON_STRING_KEY: 'a key that is no text',
  TAB_AS_INDENT: 'a tab where YAML wants spaces',
  TAG_RESOLVE_FAILED: 'a tag (!) that is not known; a text that begins with ! needs quotes',
  UNEXPECTED_TOKEN: 'something that cannot stand here',
};

function wordsOf(error: YAMLError, text: string): string {
  if (error.code === 'DUPLICATE_KEY') return `${keyAt(text, error.pos[0])} stands here for the second time`;
  return WORDS[error.code] ?? 'something that cannot stand here';
}

/** The names of all settings and sections. */
const NAMES: ReadonlySet<string> = new Set(namesIn(ROOT));

function namesIn(section: Section): string[] {
  return [...section.children.values()].flatMap((child) =>
    child.type === 'section' ? [child.key, ...namesIn(child)] : [child.key],
  );
}

/**
 * A key by its name, if it is that of a setting or section, and else without it. After an error the parser takes
 * other text for a key, a secret as well.
 */
function keyAt(text: string, offset: number): string {
  const name = /^["']?([\w-]{1,60})["']?\s*:/.exec(text.slice(offset, offset + 80))?.[1];
  return name !== undefined && NAMES.has(name) ? name : 'a key';
}
