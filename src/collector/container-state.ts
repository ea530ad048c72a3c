import type { ContainerDetails, ContainerRef, ContainerSummary } from '../model/container.js';
import type { Cursor } from '../model/cursor.js';
import type { Nanoseconds } from '../model/nanoseconds.js';
import type { AfterEnd } from './after-end.js';
import { Identity } from './identity.js';
import type { Moment } from './moment.js';
import type { TailTrouble } from './poll-task.js';
import { Undelivered } from './undelivered.js';

/**
 * Where a container is in its life, as far as collecting its log goes:
 * - `active`: polled when due;
 * - `waiting`: created but never started, there is no log yet;
 * - `drained`: ended and read to the end; only the end of its log is looked at, ever less often, until it starts again;
 * - `unreadable`: its logging driver cannot be read (501); said once, left alone until it starts again;
 * - `unlogged`: its logging driver keeps no logs, so there is nothing to collect;
 * - `gone`: removed (404, or not listed any more); its cursor is kept for a grace period.
 */
export type Life = 'active' | 'waiting' | 'drained' | 'unreadable' | 'unlogged' | 'gone';

/** Of a drained one, the end of its log is looked at. */
export function isPolled(life: Life): boolean {
  return life === 'active' || life === 'drained';
}

/** All that is known of one container while the process runs. */
export interface ContainerState {
  /** Owns name, labels, image and the state in the list. */
  readonly identity: Identity;
  /** That of the identity. */
  readonly summary: ContainerSummary;
  /** Undefined until inspected; dropped when an event says that it changed. */
  details: ContainerDetails | undefined;
  cursor: Cursor | undefined;
  life: Life;
  /** Born after the collector started: read from its beginning, whatever the start policy. */
  bornUnderWatch: boolean;
  /** It was seen to run, so that there may be lines. */
  started: boolean;
  /** In the pool's queue, or being polled. */
  busy: boolean;
  /** Something happened while it was busy: poll again at once. */
  again: boolean;
  /** Monotonic ms. */
  dueAt: number;
  /** ms; the last interval, before jitter. */
  interval: number;
  /** Lines that are known and not acknowledged by Loki. */
  readonly undelivered: Undelivered;
  /** Monotonic ms of the last poll's beginning; undefined before the first. */
  polledAt: number | undefined;
  /** When the poll that is under way began, or the last one. */
  pollBegan: Moment | undefined;
  /** When the last poll that read to the end of the log began. */
  readToEnd: Moment | undefined;
  /** That poll took it for one that runs, and so held back what may have been the last words of a TTY. */
  lastWordsHeld: boolean;
  /** Wall clock, ns: when it died last; the latest that it can be. */
  diedAt: Nanoseconds | undefined;
  /** Its log after its end; undefined until it was read to its end, and once it was started again. */
  afterEnd: AfterEnd | undefined;
  /** Monotonic ms. */
  readonly seenAt: number;
  /** Entries a second. */
  rate: number;
  /** Polls in a row that found nothing. */
  idlePolls: number;
  suspect: boolean;
  /** The Engine does not answer requests with `tail` (a file emptied by hand), until the file is opened anew. */
  tailTrouble: TailTrouble | undefined;
  /** How many of the log's last entries proved the place of the cursor after the last poll; undefined: not known. */
  reach: number | undefined;
  /** So many entries stand behind a damaged place of the log, at least; undefined: none is known. */
  readable: number | undefined;
  /** The last poll was cut short in the middle of much that is new: no window will reach back to it. */
  behind: boolean;
  /** Polls in a row that were cut by the deadline without getting anywhere. */
  stalls: number;
  /** The last poll was cut off by time: the next one may hold its place in the pool for as long again. */
  outOfTime: boolean;
  /** Polls in a row that failed. */
  failures: number;
  lastError: Error | undefined;
  /** How often in a row the Engine denied it (404) without showing it or telling of it in between. */
  denials: number;
  /** Monotonic ms since when it is gone. */
  goneAt: number | undefined;
}

/** A container seen for the first time. @param identity default: it is known by the list */
export function newContainerState(
  summary: ContainerSummary,
  cursor: Cursor | undefined,
  bornUnderWatch: boolean,
  now: number,
  identity: Identity = Identity.listed(summary, 0),
): ContainerState {
  return {
    identity,
    get summary() {
      return identity.summary;
    },
    details: undefined,
    cursor,
    life: 'active',
    bornUnderWatch,
    started: false,
    busy: false,
    again: false,
    dueAt: now,
    interval: 0,
    undelivered: new Undelivered(),
    polledAt: undefined,
    pollBegan: undefined,
    readToEnd: undefined,
    lastWordsHeld: false,
    diedAt: undefined,
    afterEnd: undefined,
    seenAt: now,
    rate: 0,
    idlePolls: 0,
    suspect: false,
    tailTrouble: undefined,
    reach: undefined,
    readable: undefined,
    behind: false,
    stalls: 0,
    outOfTime: false,
    failures: 0,
    lastError: undefined,
    denials: 0,
    goneAt: undefined,
  };
}

/** The container as a poll needs it; only once it is inspected. Who it is, its identity says and nothing else. */
export function containerRef(state: ContainerState, details: ContainerDetails): ContainerRef {
  return { ...details, ...state.summary };
}
