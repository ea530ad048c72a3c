import type { Nanoseconds } from './nanoseconds.js';

/** A container as the list (`GET /containers/json?all=1`) shows it. */
export interface ContainerSummary {
  /** 64 hexadecimal digits; the identity of a log. */
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** created, running, paused, restarting, removing, exited, dead */
  readonly state: string;
  /** Whole seconds in the list; ns here. */
  readonly created: Nanoseconds;
}

/** What only inspect tells; read once an id, again after a start. */
export interface ContainerDetails {
  readonly tty: boolean;
  readonly logDriver: string;
  /** No file of its log is ever compressed. Absent: one may be. */
  readonly plainLog?: boolean;
  /** Its log has one file, which is never rotated. Absent: it may have more. */
  readonly singleFile?: boolean;
  /** ns; 0n when it never started. */
  readonly startedAt: Nanoseconds;
  /** ns; 0n while it has not finished. */
  readonly finishedAt: Nanoseconds;
  readonly running: boolean;
}

/** What inspect tells of a container: its details and, as far as it could be understood, who it is. */
export interface InspectedContainer extends ContainerDetails {
  /** Without the leading slash. */
  readonly name?: string;
  /** As it was written when the container was created. */
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly created?: Nanoseconds;
}

export interface ContainerRef extends ContainerSummary, ContainerDetails {}

/** The Engine's stream types 1 and 2. */
export type StreamName = 'stdout' | 'stderr';
