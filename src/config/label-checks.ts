import { conflict, type Conflict } from './conflict.js';
import { DEFAULT_LABEL_LIMITS } from '../model/labels.js';
import { DEFAULT_LABELS, type Config } from './schema.js';
import { shownKey } from './shown.js';

const { maxNames, maxNameBytes, maxValueBytes } = DEFAULT_LABEL_LIMITS;

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Its values make two streams; no other label can take its place. */
const STREAM = 'stream';
/** Added by Loki itself where it is missing, and not counted by it. */
const NOT_COUNTED = 'service_name';

/** What Loki would refuse of each stream, and what would have no place in it. */
export function labelConflicts({ labels, backfill }: Config): Conflict[] {
  // One with an empty value is none.
  const fixed = Object.keys(labels.static).filter((name) => labels.static[name] !== '');
  const added = [...fixed, ...Object.keys(labels.from_container)];
  return [
    ...Object.keys(labels.static).flatMap((name) => nameConflicts('labels.static', name)),
    ...Object.keys(labels.from_container).flatMap((name) => nameConflicts('labels.from_container', name)),
    ...Object.entries(labels.static)
      .filter(([, value]) => Buffer.byteLength(value) > maxValueBytes)
      .map(([name]) =>
        conflict(
          ['labels.static'],
          `the value of ${shownKey(name)} is over ${maxValueBytes} bytes, and Loki takes no more`,
          name,
        ),
      ),
    ...Object.keys(labels.static)
      .filter((name) => Object.hasOwn(labels.from_container, name))
      .map((name) =>
        conflict(
          ['labels.static', 'labels.from_container'],
          `${shownKey(name)} is in labels.from_container too, and a label has one value`,
          name,
        ),
      ),
    ...nameConflicts('backfill.label', backfill.label),
    ...backfillLabelConflicts(backfill.label, [...DEFAULT_LABELS, ...added]),
    ...countConflicts(labels, added),
  ];
}

function nameConflicts(setting: string, name: string): Conflict[] {
  const refused = (problem: string) => [conflict([setting], `${shownKey(name)} ${problem}`, name)];
  if (name === '') return [conflict([setting], 'has a label without a name', name)];
  if (!NAME.test(name)) {
    return refused('is no name of a label: letters, digits and _ only, no digit first');
  }
  if (name === STREAM) return refused('is set by Pollard itself, to stdout or stderr');
  if (name.startsWith('__')) return refused('begins with __, and such labels are kept for Loki itself');
  if (Buffer.byteLength(name) > maxNameBytes) {
    return refused(`is over ${maxNameBytes} bytes, and Loki takes no more`);
  }
  return [];
}

/** A backfill adds it to labels that are there: it must not take the place of one. */
function backfillLabelConflicts(name: string, taken: readonly string[]): Conflict[] {
  if (!taken.includes(name)) return [];
  return [
    conflict(
      ['backfill.label'],
      `${shownKey(name)} is a label of the live streams, and a label has one value`,
      name,
    ),
  ];
}

function countConflicts(labels: Config['labels'], added: readonly string[]): Conflict[] {
  const byDefault = DEFAULT_LABELS.filter((name) => !labels.drop.includes(name));
  const all = new Set<string>([STREAM, ...byDefault, ...added]);
  all.delete(NOT_COUNTED);
  if (all.size <= maxNames) return [];
  const subject = Object.keys(labels.static).length > 0 ? 'labels.static' : 'labels.from_container';
  const others = ['labels.from_container', 'labels.drop'].filter((path) => path !== subject);
  return [
    conflict(
      [subject, ...others],
      `with those that are there by default a stream has ${all.size} labels, and Loki takes ${maxNames}; leave some out, or name them in labels.drop`,
    ),
  ];
}
