import { conflict, type Conflict } from './conflict.js';
import { DEFAULT_LABELS, type Config } from './schema.js';
import { shownKey } from './shown.js';

/** Loki's `max_label_names_per_series`, `max_label_name_length`, `max_label_value_length` (bytes), by default. */
const MOST_LABELS = 15;
const MOST_NAME_BYTES = 1024;
const MOST_VALUE_BYTES = 2048;

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Added by Loki itself where it is missing, and not counted by it. */
const NOT_COUNTED = 'service_name';

/** What Loki would refuse of each stream, or of none it could tell apart. */
export function labelConflicts({ labels }: Config): Conflict[] {
  const added = [...Object.keys(labels.static), ...Object.keys(labels.from_container)];
  return [
    ...Object.keys(labels.static).flatMap((name) => nameConflicts('labels.static', name)),
    ...Object.keys(labels.from_container).flatMap((name) => nameConflicts('labels.from_container', name)),
    ...Object.entries(labels.static)
      .filter(([, value]) => Buffer.byteLength(value) > MOST_VALUE_BYTES)
      .map(([name]) =>
        conflict(
          ['labels.static'],
          `the value of ${shownKey(name)} is over ${MOST_VALUE_BYTES} bytes, and Loki takes no more`,
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
    ...countConflicts(labels, added),
  ];
}

function nameConflicts(setting: string, name: string): Conflict[] {
  const refused = (problem: string) => [conflict([setting], `${shownKey(name)} ${problem}`, name)];
  if (name === '') return [conflict([setting], 'has a label without a name', name)];
  if (!NAME.test(name)) {
    return refused('is no name of a label: letters, digits and _ only, no digit first');
  }
  if (name.startsWith('__')) return refused('begins with __, and such labels are kept for Loki itself');
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) {
    return refused(`is over ${MOST_NAME_BYTES} bytes, and Loki takes no more`);
  }
  return [];
}

function countConflicts(labels: Config['labels'], added: readonly string[]): Conflict[] {
  const byDefault = DEFAULT_LABELS.filter((name) => !labels.drop.includes(name));
  const all = new Set<string>(['stream', ...byDefault, ...added]);
  all.delete(NOT_COUNTED);
  if (all.size <= MOST_LABELS) return [];
  const subject = Object.keys(labels.static).length > 0 ? 'labels.static' : 'labels.from_container';
  const others = ['labels.from_container', 'labels.drop'].filter((path) => path !== subject);
  return [
    conflict(
      [subject, ...others],
      `with those that are there by default a stream has ${all.size} labels, and Loki takes ${MOST_LABELS}; leave some out, or name them in labels.drop`,
    ),
  ];
}
