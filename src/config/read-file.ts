import { open } from 'node:fs/promises';
import { isMap, isNode, isScalar, type Document, type Pair } from 'yaml';
import type { ConfigProblem } from './config-error.js';
import type { Given, Origin } from './given.js';
import type { Layer } from './layer.js';
import { nearestSetting, suggestion } from './nearest.js';
import { hasNoColon, KEY_WITHOUT_VALUE, keyOf, resolved, Unreadable, valueOfNode } from './read-value.js';
import { oldNameAt, type OldNameUse } from './renamed.js';
import { leavesOf, ROOT, type Section, type Setting } from './settings.js';
import { printable, shownKey } from './shown.js';
import { readYaml, type YamlText } from './yaml-text.js';

/** More is no configuration. */
const MOST_BYTES = 1024 ** 2;

/** A file that is to be read. */
export interface NamedFile {
  readonly path: string;
  /** Who named it; undefined: it is the default, and need not be there. */
  readonly origin: Origin | undefined;
}

export interface FileLayer extends Layer {
  /** It was there. */
  readonly found: boolean;
}

/** What a YAML file gives. Never rejects: what is wrong is among the problems. */
export async function readFile({ path, origin }: NamedFile): Promise<FileLayer> {
  const shown = printable(path);
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (origin === undefined && (code === 'ENOENT' || code === 'ENOTDIR'))
      return { ...NOTHING, found: false };
    const problem = `${shown} ${inWords(error as Error, code)}`;
    const problems = [{ problem, ...(origin === undefined ? {} : { origin }) }];
    return { ...NOTHING, problems, found: true };
  }
  return { ...new FileReader(shown, readYaml(text)).read(), found: true };
}

const NOTHING: Layer = { values: new Map(), sections: new Map(), problems: [], oldNames: [] };

async function readText(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    // Not by its size: a pipe has none.
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, null);
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
      if (length > MOST_BYTES) throw new Error('is larger than 1 MiB');
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } finally {
    await file.close();
  }
}

function inWords(error: Error, code: string | undefined): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there';
  if (code === 'EISDIR') return 'is a directory';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'is not UTF-8 text';
  if (code === undefined) return error.message;
  return `cannot be read: ${code}`;
}

/** Goes through a document along the schema, and so never deeper than that. */
class FileReader {
  readonly #file: string;
  readonly #yaml: YamlText;
  readonly #values = new Map<string, Given>();
  readonly #sections = new Map<string, Origin>();
  readonly #problems: ConfigProblem[] = [];
  readonly #oldNames: OldNameUse[] = [];

  constructor(file: string, yaml: YamlText) {
    this.#file = file;
    this.#yaml = yaml;
  }

  read(): Layer {
    const { document, faults } = this.#yaml;
    for (const { problem, place } of faults) {
      const origin: Origin = { kind: 'file', file: this.#file, ...place };
      this.#problems.push({ problem: `not YAML: ${problem}`, origin });
    }
    if (document !== undefined) this.#section(ROOT, document.contents, document, this.#at(undefined));
    return {
      values: this.#values,
      sections: this.#sections,
      problems: this.#problems,
      oldNames: this.#oldNames,
    };
  }

  #section(section: Section, node: unknown, document: Document, origin: Origin): void {
    const found = this.#attempt(section.path, origin, () => resolved(node, document));
    if (found === undefined || (isScalar(found) && found.value === null)) return;
    if (!isMap(found)) {
      const example = leavesOf(section)[0]?.path ?? '';
      this.#refuse(section.path, `must hold settings, such as ${example}, each on a line of its own`, origin);
      return;
    }
    if (section.path !== '') this.#sections.set(section.path, origin);
    for (const pair of found.items) this.#pair(section, pair, document);
  }

  #pair(section: Section, pair: Pair, document: Document): void {
    const origin = this.#at(pair.key);
    const key = this.#attempt(section.path, origin, () => keyOf(pair.key, document));
    if (key === undefined) return;
    const child = section.children.get(key);
    const old = oldNameAt(`${section.path}.${key}`);
    if (old !== undefined) {
      const { path: written, setting } = old;
      this.#oldNames.push({ written, instead: setting.path, origin });
      // The name of today counts, wherever it stands.
      if (!this.#values.has(setting.path)) this.#setting(setting, pair.value, document, origin);
    } else if (child === undefined && hasNoColon(pair)) {
      this.#refuse(section.path, `has ${KEY_WITHOUT_VALUE}`, origin);
    } else if (child === undefined) {
      const path = section.path === '' ? shownKey(key) : `${section.path}.${shownKey(key)}`;
      this.#refuse(path, `no such setting${suggestion(nearestSetting(section, key))}`, origin);
    } else if (child.type === 'section') this.#section(child, pair.value, document, origin);
    else this.#setting(child, pair.value, document, origin);
  }

  #setting(setting: Setting, node: unknown, document: Document, origin: Origin): void {
    const value = this.#attempt(setting.path, origin, () => valueOfNode(node, setting.kind, document));
    if (value === undefined) return;
    this.#values.set(setting.path, { value, origin, partOrigin: (key) => this.#partOf(node, key) });
  }

  #partOf(node: unknown, key: string | number): Origin | undefined {
    if (!isNode(node) || !('getIn' in node)) return undefined;
    const part = node.getIn([key], true);
    return isNode(part) && part.range ? this.#at(part) : undefined;
  }

  #attempt<T>(path: string, origin: Origin, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#refuse(path, error.message, origin);
      return undefined;
    }
  }

  #refuse(path: string, problem: string, origin: Origin): void {
    const setting = path === '' ? {} : { setting: path };
    this.#problems.push({ ...setting, problem: path === '' ? `the file ${problem}` : problem, origin });
  }

  #at(node: unknown): Origin {
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    return { kind: 'file', file: this.#file, line: this.#yaml.placeOf(offset).line };
  }
}
