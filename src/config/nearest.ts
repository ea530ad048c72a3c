import { distance } from 'fastest-levenshtein';
import { ROOT, SETTINGS, type Section } from './settings.js';

/**
 * The candidate that differs least from what was written, or the first that begins with it as a word (`ca` of
 * `ca_file`) when more than a letter differs; undefined when none is near.
 */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  const word = normal(written.slice(0, 100));
  const all = [...candidates];
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of all) {
    const difference = distance(word, normal(candidate));
    if (difference < least) [best, least] = [candidate, difference];
  }
  if (least <= 1) return best;
  return all.find((candidate) => word !== '' && normal(candidate).startsWith(`${word}_`)) ?? best;
}

/** What someone may have meant who wrote an unknown key into a section: there, or elsewhere. */
export function nearestSetting(section: Section, key: string): string | undefined {
  const sibling = nearest(key, section.children.keys());
  const prefix = section.path === '' ? '' : `${section.path}.`;
  if (sibling !== undefined) return `${prefix}${sibling}`;
  const elsewhere = [...SETTINGS, ...sectionsOf(ROOT)]
    .filter((node) => normal(node.key) === normal(key))
    .map(({ path }) => path);
  if (elsewhere.length === 1) return elsewhere[0];
  return nearest(`${prefix}${key}`, elsewhere.length > 0 ? elsewhere : SETTINGS.map(({ path }) => path));
}

/** ` - did you mean …?`, or nothing. */
export function suggestion(meant: string | undefined): string {
  return meant === undefined ? '' : `, did you mean ${meant}?`;
}

/** `maxInterval` and `max-interval` are near to `max_interval`. */
function normal(word: string): string {
  return word
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

function sectionsOf(section: Section): Section[] {
  return [...section.children.values()].flatMap((child) =>
    child.type === 'section' ? [child, ...sectionsOf(child)] : [],
  );
}
