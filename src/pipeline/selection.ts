import type { ContainerSummary } from '../model/container.js';
import { anyGlob } from './glob.js';

export interface SelectionSettings {
  /** Patterns for names (glob.ts); empty: all. */
  readonly include: readonly string[];
  /** Patterns for names that are left out, also where `include` matches. */
  readonly exclude: readonly string[];
  /** Only containers with the label pollard.enable=true. */
  readonly optIn: boolean;
  /** Also the container that Pollard itself runs in. */
  readonly self: boolean;
  /** Of that container: its id, or how it begins (ownContainerId); undefined: Pollard runs in none. */
  readonly ownId: string | undefined;
}

/** Why a container is collected or not. */
export type Selection =
  | 'selected'
  /** Pollard runs in it, and its own lines about reading them would have no end. */
  | 'own'
  /** It has the label pollard.enable=false. */
  | 'disabled'
  | 'not_opted_in'
  | 'not_included'
  | 'excluded';

/** The label by which a container decides for itself. */
export const ENABLE_LABEL = 'pollard.enable';
const YES: ReadonlySet<string> = new Set(['true', '1', 'yes']);
const NO: ReadonlySet<string> = new Set(['false', '0', 'no']);

/**
 * Decides once a container, when it is discovered, whether it is collected. One that is not is never polled. A
 * label false always excludes; a label true is what `optIn` asks for, and does not outweigh the patterns.
 */
export function containerSelection(settings: SelectionSettings): (container: ContainerSummary) => Selection {
  const { optIn, self, ownId } = settings;
  const included = settings.include.length === 0 ? () => true : anyGlob(settings.include);
  const excluded = anyGlob(settings.exclude);
  return ({ id, name, labels }) => {
    if (!self && ownId !== undefined && id.startsWith(ownId)) return 'own';
    const enabled = enabledByLabel(labels);
    if (enabled === false) return 'disabled';
    if (optIn && enabled !== true) return 'not_opted_in';
    if (!included(name)) return 'not_included';
    return excluded(name) ? 'excluded' : 'selected';
  };
}

/** containerSelection as yes or no. */
export function containerSelector(settings: SelectionSettings): (container: ContainerSummary) => boolean {
  const selection = containerSelection(settings);
  return (container) => selection(container) === 'selected';
}

/** What the label pollard.enable says; undefined when there is none, or one that is neither yes nor no. */
export function enabledByLabel(labels: ContainerSummary['labels']): boolean | undefined {
  const value = Object.hasOwn(labels, ENABLE_LABEL) ? labels[ENABLE_LABEL] : undefined;
  const word = value?.trim().toLowerCase() ?? '';
  if (YES.has(word)) return true;
  return NO.has(word) ? false : undefined;
}
