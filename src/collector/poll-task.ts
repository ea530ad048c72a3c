import type { SinceSemantics } from '../docker/api-version.js';
import type { ContainerRef } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { TransferContext } from './transfer.js';
import type { WindowPolicy } from './window.js';

export interface PollSettings {
  readonly window: WindowPolicy;
  /** How far before the oldest stamp of the anchor to begin to look, ns. */
  readonly overlap: Nanoseconds;
  /** After so long, in ms, a line still open is handed on as it is. */
  readonly openMaxAge: number;
}

export interface PollContext extends TransferContext {
  readonly sinceSemantics: () => SinceSemantics;
  /** Whether the Engine goes on with the next file behind a damaged record. Left out: it does not. */
  readonly passesOverFiles?: () => boolean;
  readonly poll: PollSettings;
}

/**
 * Why requests with `tail` show nothing of a log that can be read without: the Engine searches the end of the log for
 * ever, or the search fails at once (a file of driver local that was emptied or damaged). One that fails costs little and
 * is tried again now and then.
 */
export type TailTrouble = 'hangs' | 'fails';

export interface PollTask {
  readonly container: ContainerRef;
  readonly cursor: Cursor;
  /** Entries that may have been written since the last poll. */
  readonly expected: number;
  /** How many of the log's last entries proved the place of the cursor after the last poll; undefined: not known. */
  readonly reach?: number | undefined;
  /** So many entries stand behind a damaged place of the log, at least; undefined: none is known. */
  readonly readable?: number | undefined;
  /** Only for a first look back: read from this stamp on. */
  readonly from?: Nanoseconds;
  /** Nothing more will be written: the container has ended, and this poll began after that. */
  readonly ended: boolean;
  /** Look at the log's last entry when nothing new was found: is it really the one delivered last? */
  readonly verify: boolean;
  /** Such a look has failed before: the Engine does not show what is there. */
  readonly suspect: boolean;
  /** The Engine was seen not to answer requests with `tail`: the log is read without, at whatever cost. */
  readonly tailTrouble?: TailTrouble | undefined;
  /** Polls in a row, before this one, that met with a fault and found nothing new. Default 0. */
  readonly stalls?: number;
  readonly signal: AbortSignal;
}
