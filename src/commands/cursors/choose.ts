import { nearest } from '../../config/nearest.js';
import { PollardError } from '../../model/errors.js';
import { shownText } from '../shown-text.js';

/** Something that an operator calls by its name or its id. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** What is chosen from, for the message. */
export interface Kind {
  readonly noun: string;
  /** The command that lists them. */
  readonly shownBy: string;
}

const MOST_NAMED = 10;

/**
 * The one that is meant: by its whole name, or by the beginning of its id, at least 4 digits. A name may have had
 * several containers one after the other.
 *
 * @throws PollardError `not_found`, `ambiguous`
 */
export function choose<T extends Named>(written: string, candidates: readonly T[], what: Kind): T {
  const [first, ...others] = matching(written, candidates);
  if (first === undefined) throw notFound(written, candidates, what);
  if (others.length === 0) return first;
  const named = [first, ...others]
    .slice(0, MOST_NAMED)
    .map(({ name, id }) => `${shownText(name)} ${id.slice(0, 12)}`);
  const more = others.length + 1 > MOST_NAMED ? ', ...' : '';
  throw new PollardError(
    'ambiguous',
    `${JSON.stringify(written)} can be ${others.length + 1} of them: ${named.join(', ')}${more}`,
    {
      hint: 'give more of the id',
      exit: 'usage',
    },
  );
}

/** All that it can be. */
export function matching<T extends Named>(written: string, candidates: readonly T[]): T[] {
  const byId = /^[0-9a-f]{4,64}$/.test(written);
  return candidates.filter(({ id, name }) => name === written || (byId && id.startsWith(written)));
}

function notFound(written: string, candidates: readonly Named[], what: Kind): PollardError {
  const meant = nearest(
    written,
    candidates.map(({ name }) => name),
  );
  const problem = `there is no ${what.noun} of ${JSON.stringify(written.slice(0, 100))}`;
  return new PollardError('not_found', problem, {
    hint: meant === undefined ? `${what.shownBy} shows what there is` : `did you mean ${shownText(meant)}?`,
    exit: 'usage',
  });
}
