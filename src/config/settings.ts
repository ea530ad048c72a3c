import * as z from 'zod';
import { configSchema } from './schema.js';
import type { Kind } from './values.js';

/** One setting, as its schema describes it. */
export interface Setting {
  readonly type: 'setting';
  /** `loki.basic_auth.username` */
  readonly path: string;
  /** The last part of the path. */
  readonly key: string;
  readonly kind: Kind;
  readonly description: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  /** What one value of a list or a map may be, in words. */
  readonly allowedPart: string;
  /** What holds when it is not set, as the program has it (ms, bytes); undefined: nothing. */
  readonly fallback: unknown;
  /** Its section, which can be left out, cannot be without it. */
  readonly required: boolean;
  /** Its value is never shown. */
  readonly secret: boolean;
  /** What one could write, as YAML. Not there where the default is example enough. */
  readonly example: string | undefined;
  /** The environment variable: `POLLARD_LOKI_BASIC_AUTH_USERNAME` */
  readonly variable: string;
  /** The flag: `--loki-basic-auth-username` */
  readonly flag: string;
}

/** Settings that stand together under one key. */
export interface Section {
  readonly type: 'section';
  readonly path: string;
  readonly key: string;
  readonly description: string;
  /** It is not there unless something in it is set. */
  readonly optional: boolean;
  readonly children: ReadonlyMap<string, Setting | Section>;
}

interface Meta {
  readonly kind?: Kind;
  readonly allowed?: string;
  readonly description?: string;
  readonly secret?: boolean;
  readonly example?: string;
}

/** A schema without its wrappers, and what these say. */
interface Unwrapped {
  readonly core: z.core.$ZodType;
  readonly meta: Meta;
  readonly optional: boolean;
  readonly fallback: unknown;
}

/** All settings, as the tree that they are in the YAML file. */
export const ROOT: Section = sectionOf('', configSchema, '', false);

/** All settings in the order of the schema. */
export const SETTINGS: readonly Setting[] = leavesOf(ROOT);

const BY_PATH = new Map(SETTINGS.map((setting) => [setting.path, setting]));

/** The setting at a path such as `loki.url`. */
export function settingAt(path: string): Setting | undefined {
  return BY_PATH.get(path);
}

/** The settings in a section, those of its sections included. */
export function leavesOf(section: Section): Setting[] {
  return [...section.children.values()].flatMap((child) =>
    child.type === 'setting' ? [child] : leavesOf(child),
  );
}

function sectionOf(path: string, schema: z.ZodObject, description: string, optional: boolean): Section {
  const children = new Map<string, Setting | Section>();
  for (const [key, child] of Object.entries<z.core.$ZodType>(schema.shape)) {
    children.set(key, nodeOf(path === '' ? key : `${path}.${key}`, key, child));
  }
  return { type: 'section', path, key: path.split('.').at(-1) ?? '', description, optional, children };
}

function nodeOf(path: string, key: string, schema: z.core.$ZodType): Setting | Section {
  const { core, meta, optional, fallback } = unwrapped(schema);
  const { kind, allowed, description } = meta;
  if (description === undefined) throw new Error(`the schema says nothing of ${path}`);
  if (core instanceof z.ZodObject) return sectionOf(path, core, description, optional);
  if (kind === undefined || allowed === undefined) throw new Error(`the schema is silent on ${path}`);
  return {
    type: 'setting',
    path,
    key,
    kind,
    description,
    allowed,
    allowedPart: allowedPart(core) ?? allowed,
    fallback,
    required: !optional && fallback === undefined,
    secret: meta.secret === true,
    example: meta.example,
    variable: `POLLARD_${path.replaceAll('.', '_').toUpperCase()}`,
    flag: `--${path.replaceAll(/[._]/g, '-')}`,
  };
}

/** Goes through the wrappers (default, optional, transform) to what they wrap. */
function unwrapped(schema: z.core.$ZodType): Unwrapped {
  const meta = (z.globalRegistry.get(schema) ?? {}) as Meta;
  const below = (inner: z.core.$ZodType, own: Partial<Unwrapped>): Unwrapped => {
    const found = unwrapped(inner);
    return { ...found, ...own, meta: { ...found.meta, ...meta } };
  };
  if (schema instanceof z.ZodDefault) return below(schema.unwrap(), { fallback: schema.def.defaultValue });
  if (schema instanceof z.ZodOptional) return below(schema.unwrap(), { optional: true });
  if (schema instanceof z.ZodPrefault) return below(schema.unwrap(), {});
  if (schema instanceof z.ZodPipe) return below(schema.in, {});
  return { core: schema, meta, optional: false, fallback: undefined };
}

function allowedPart(core: z.core.$ZodType): string | undefined {
  if (core instanceof z.ZodArray) return unwrapped(core.element).meta.allowed;
  if (core instanceof z.ZodRecord) return unwrapped(core.valueType).meta.allowed;
  return undefined;
}
