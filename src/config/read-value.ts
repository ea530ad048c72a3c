import { isAlias, isMap, isNode, isScalar, isSeq, type Document, type Pair } from 'yaml';
import type { Setting } from './settings.js';
import type { Kind } from './values.js';
import { readYaml } from './yaml-text.js';

/** A value that cannot be read at all; the message is for people and shows nothing of it. */
export class Unreadable extends Error {}

/** The kinds that are texts to YAML, however they look: a tenant 007, a password 1e3, a duration 0. */
const TEXTS: ReadonlySet<Kind> = new Set<Kind>(['text', 'choice', 'duration', 'bytes', 'start']);

/** What the schema refuses in place of a text, a number or a switch. */
const WRONG_SHAPE = { list: [], map: {} } as const;

/**
 * A value as a node of a YAML document has it, read as the setting wants it: texts stay as they are written.
 * Null (`key:` with nothing behind it) is undefined: not set.
 *
 * @throws Unreadable
 */
export function valueOfNode(node: unknown, kind: Kind, document: Document): unknown {
  const found = resolved(node, document);
  if (isScalar(found)) return found.value === null ? undefined : scalarValue(found, TEXTS.has(kind));
  if (isSeq(found)) {
    return kind === 'list' ? found.items.map((item) => textOf(item, document)) : WRONG_SHAPE.list;
  }
  if (!isMap(found)) return undefined;
  if (kind !== 'map') return WRONG_SHAPE.map;
  const values: [string, unknown][] = found.items.map((pair) => {
    if (hasNoColon(pair)) throw new Unreadable(`has ${KEY_WITHOUT_VALUE}`);
    return [keyOf(pair.key, document), textOf(pair.value, document)];
  });
  return Object.fromEntries(values);
}

/**
 * A value as an environment variable or a flag has it. Texts are taken as they are; numbers, switches, lists and
 * maps are read as YAML, and a list may also be written as `a, b`.
 *
 * @throws Unreadable
 */
export function valueOfText(text: string, { kind }: Setting): unknown {
  if (TEXTS.has(kind)) return text;
  if (kind === 'list' && !text.trimStart().startsWith('[')) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  const { document, faults } = readYaml(text);
  if (document === undefined) throw new Unreadable(`is not YAML: ${faults[0]?.problem ?? 'unreadable'}`);
  // Null is not allowed here: a variable that is there is meant to say something.
  return valueOfNode(document.contents, kind, document) ?? null;
}

/**
 * A key that no colon follows, as in `{ a, b }`. Its name must not be shown: it may be the end of a secret that has a
 * comma in it and no quotes, or a key and its secret without the space after the colon.
 */
export function hasNoColon(pair: Pair): boolean {
  return pair.value === null;
}

export const KEY_WITHOUT_VALUE =
  'a key without a value (not shown); a colon needs a space after it, and a text with a comma in it needs quotes';

/** The text of a key of a map. @throws Unreadable */
export function keyOf(key: unknown, document: Document): string {
  const found = resolved(key, document);
  const text = isScalar(found) ? scalarValue(found, true) : undefined;
  if (typeof text !== 'string') throw new Unreadable('has a key that is no text');
  // JavaScript's own objects give it another meaning.
  if (text === '__proto__') throw new Unreadable('has a key __proto__, which cannot be used');
  return text;
}

/** The node itself, or what its alias stands for. @throws Unreadable */
export function resolved(node: unknown, document: Document): unknown {
  if (!isAlias(node)) return isNode(node) ? node : undefined;
  const target = node.resolve(document);
  if (target !== undefined) return target;
  // Without its name: it may be a password that begins with an asterisk.
  throw new Unreadable('has an alias (*) that stands for nothing; a text that begins with * needs quotes');
}

/** A part of a list or a map: a text, or what the schema refuses in its place. */
function textOf(node: unknown, document: Document): unknown {
  const found = resolved(node, document);
  if (isScalar(found)) return found.value === null ? null : scalarValue(found, true);
  if (isSeq(found)) return WRONG_SHAPE.list;
  return isMap(found) ? WRONG_SHAPE.map : null;
}

function scalarValue(scalar: { value: unknown; source?: string }, asText: boolean): unknown {
  if (!asText || typeof scalar.value === 'string') return scalar.value;
  return scalar.source ?? String(scalar.value);
}
