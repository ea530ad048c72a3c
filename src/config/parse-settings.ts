import type { ConfigProblem } from './config-error.js';
import { FinalValues } from './final-values.js';
import type { Given, Origin } from './given.js';
import { configSchema } from './schema.js';
import { ROOT, type Section, type Setting } from './settings.js';
import { shownKey, shownValue } from './shown.js';

export interface ParsedSettings {
  /** With the default in place of what is refused, so that the rest can still be judged. */
  readonly values: FinalValues;
  readonly problems: readonly ConfigProblem[];
  /** Paths of what is refused: settings, and sections that cannot be without what is missing. */
  readonly refused: ReadonlySet<string>;
}

/**
 * Judges each value that is given by its schema.
 *
 * @param sections those that are named, perhaps with nothing in them
 */
export function parseSettings(
  given: ReadonlyMap<string, Given>,
  sections: ReadonlyMap<string, Origin>,
): ParsedSettings {
  const first = configSchema.safeParse(inputOf(ROOT, given, sections));
  if (first.success) {
    return { values: new FinalValues(first.data, given), problems: [], refused: new Set() };
  }

  const refused = new Set<string>();
  const problems: ConfigProblem[] = [];
  const told = new Set<string>();
  for (const { path } of first.error.issues) {
    const { setting, section, part } = placeOf(path);
    if (told.has(path.join('\n'))) continue;
    told.add(path.join('\n'));
    const value = given.get(setting.path);
    problems.push(value === undefined ? missing(setting, section, sections) : refusal(setting, value, part));
    refused.add(setting.required ? section.path : setting.path);
  }
  const isLeft = ([path]: [string, unknown]) =>
    !refused.has(path) && ![...refused].some((other) => path.startsWith(`${other}.`));
  const left = new Map([...given].filter(isLeft));
  const config = configSchema.parse(inputOf(ROOT, left, new Map([...sections].filter(isLeft))));
  return { values: new FinalValues(config, left), problems, refused };
}

/** What is given as the object that the schema takes. */
function inputOf(
  section: Section,
  given: ReadonlyMap<string, Given>,
  sections: ReadonlyMap<string, Origin>,
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [key, child] of section.children) {
    if (child.type === 'setting') {
      const found = given.get(child.path);
      if (found !== undefined) input[key] = found.value;
      continue;
    }
    const below = inputOf(child, given, sections);
    if (Object.keys(below).length > 0 || sections.has(child.path)) input[key] = below;
  }
  return input;
}

interface Place {
  readonly setting: Setting;
  /** Where the setting is. */
  readonly section: Section;
  /** Of a list or a map, the part at fault. */
  readonly part: string | number | undefined;
}

function placeOf(path: readonly PropertyKey[]): Place {
  let section = ROOT;
  for (const [at, key] of path.entries()) {
    const child = section.children.get(String(key));
    if (child?.type === 'setting') {
      const part = path[at + 1];
      return { setting: child, section, part: typeof part === 'symbol' ? undefined : part };
    }
    if (child !== undefined) section = child;
  }
  throw new Error(`no setting is at ${path.join('.')}`);
}

function missing(setting: Setting, section: Section, sections: ReadonlyMap<string, Origin>): ConfigProblem {
  const origin = sections.get(section.path);
  const problem = `is missing; it must be ${setting.allowed}, or ${section.path} must be left out`;
  return { setting: setting.path, problem, ...(origin === undefined ? {} : { origin }) };
}

function refusal(setting: Setting, given: Given, part: string | number | undefined): ConfigProblem {
  if (part === undefined) {
    const problem = `${shownValue(setting, given.value)} is not allowed; it must be ${setting.allowed}`;
    return { setting: setting.path, problem, origin: given.origin };
  }
  const value = (given.value as Record<string | number, unknown>)[part];
  const problem = `${shownValue(setting, value)} is not allowed; it must be ${setting.allowedPart}`;
  const shown = typeof part === 'number' ? `[${part}]` : `.${shownKey(part)}`;
  return {
    setting: `${setting.path}${shown}`,
    problem,
    origin: given.partOrigin?.(part) ?? given.origin,
  };
}
