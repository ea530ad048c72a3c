import type { Given, Origin } from './given.js';
import type { Config } from './schema.js';
import { settingAt, type Setting } from './settings.js';
import { yamlValue } from './written.js';

/** A configuration that the schema has accepted, and where its values came from. */
export class FinalValues {
  readonly config: Config;
  readonly #given: ReadonlyMap<string, Given>;

  constructor(config: Config, given: ReadonlyMap<string, Given>) {
    this.config = config;
    this.#given = given;
  }

  /** Whether someone has set it; else it is a default. */
  isSet(path: string): boolean {
    return this.#given.has(path);
  }

  /** Where a setting came from, or the first that is set of a section; undefined: a default. */
  originOf(path: string): Origin | undefined {
    const own = this.#given.get(path);
    if (own !== undefined) return own.origin;
    return [...this.#given].find(([other]) => other.startsWith(`${path}.`))?.[1].origin;
  }

  /** Where a part of a list or a map came from. */
  partOrigin(path: string, part: string | number): Origin | undefined {
    return this.#given.get(path)?.partOrigin?.(part) ?? this.originOf(path);
  }

  get(path: string): unknown {
    let value: unknown = this.config;
    for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
    return value;
  }

  /** Replaces a default. The section is there. */
  set(path: string, value: unknown): void {
    const keys = path.split('.');
    const last = keys.pop() as string;
    let section: unknown = this.config;
    for (const key of keys) section = (section as Record<string, unknown>)[key];
    (section as Record<string, unknown>)[last] = value;
  }

  /** The value as a person writes it. Not for secrets. */
  written(path: string): string {
    return yamlValue(settingAt(path) as Setting, this.get(path));
  }
}
