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
  /** What its log holds at most. Absent: the Engine does not rotate it. */
  readonly logLimit?: LogLimit;
  /** When it was made, ns: the list has whole seconds. Absent: not known. */
  readonly createdAt?: Nanoseconds;
  /** ns; 0n when it never started. */
  readonly startedAt: Nanoseconds;
  /** ns; 0n while it has not finished. */
  readonly finishedAt: Nanoseconds;
  readonly running: boolean;
}

/** Its logging driver is `none`, which keeps nothing: there is no log to ask for (moby: daemon/logs.go, 501). */
export function keepsNoLog({ logDriver }: Pick<ContainerDetails, 'logDriver'>): boolean {
  return logDriver === 'none';
}

/** What inspect shows of a container: its details and, as far as it could be understood, who it is. */
export interface InspectedContainer extends ContainerDetails {
  /** Without the leading slash. */
  readonly name?: string;
  /** As it was written when the container was created. */
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly created?: Nanoseconds;
}

/** What the files of a log hold before the oldest of them is deleted. */
export interface LogLimit {
  /** How an entry stands in a file. */
  readonly format: 'json-file' | 'local';
  /** A file of so many bytes is full: the next entry goes to another one. */
  readonly fileBytes: number;
  /** Files, the one that is written to included. 1: it is emptied when it is full. */
  readonly files: number;
  /** What the attributes of each entry take, bytes, about. */
  readonly attributeBytes: number;
}

export interface ContainerRef extends ContainerSummary, ContainerDetails {}

/** The Engine's stream types 1 and 2. */
export type StreamName = 'stdout' | 'stderr';
