import { PollardError } from '../model/errors.js';

/** What is wrong with the bytes of a cursor file. */
export type CorruptReason =
  | 'empty'
  /** As file systems leave behind that lost the data of a file but not its length (power loss). */
  | 'nul_bytes'
  | 'cut_short'
  | 'too_large'
  /** No UTF-8, or no JSON. */
  | 'not_json'
  /** JSON, but not a cursor. */
  | 'not_a_cursor'
  | 'bad_checksum'
  /** A good cursor, but of another container than the file's name says. */
  | 'wrong_container'
  /** The disk does not give the bytes back, or what stands there is no file. */
  | 'unreadable';

/** A cursor file that cannot be used. It is moved aside, and the start policy applies to its container. */
export class CursorCorrupt extends PollardError {
  override name = 'CursorCorrupt';
  readonly reason: CorruptReason;

  constructor(reason: CorruptReason, message: string, cause?: unknown) {
    super('cursor_corrupt', message, {
      setting: 'collector.state_dir',
      hint: 'the file is kept aside; the start policy applies to its container',
      exit: 'state',
      cause,
    });
    this.reason = reason;
  }
}

/**
 * A cursor written by a later Pollard. It must not be taken for damaged, since then it would be overwritten and
 * the later version, once back, would begin from the start policy.
 */
export class CursorTooNew extends PollardError {
  override name = 'CursorTooNew';
  readonly #found: number;
  readonly #known: number;

  constructor(found: number, known: number, file = 'a cursor') {
    super('cursor_too_new', `${file} has format ${found}; this Pollard knows formats up to ${known}`, {
      setting: 'collector.state_dir',
      hint: 'upgrade Pollard to the version that wrote the cursors, or use another collector.state_dir',
      exit: 'state',
    });
    this.#found = found;
    this.#known = known;
  }

  /** The same error, naming the file. */
  of(file: string): CursorTooNew {
    return new CursorTooNew(this.#found, this.#known, file);
  }
}
