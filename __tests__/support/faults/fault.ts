import type { CollectingOptions, CollectingWorld } from '../collecting/index.js';
import type { Talker } from './talkers.js';

/** What a fault may do to the lines of a container, beside delaying them. */
export type Harm =
  /** Nothing: each line arrives, of a rotating container unless it was rotated away meanwhile. */
  | 'none'
  /** Lines are lost in the Engine, and named by marks of gaps. */
  | 'destroys'
  /** Loki refuses lines, which are kept with its reason. */
  | 'refuses';

/** A fault that was laid on the Engine or on Loki. */
export interface Strike {
  /** Whether it has struck all containers, as often as it should. */
  readonly struck: () => boolean | Promise<boolean>;
  /** Ends it. */
  readonly lift: () => void | Promise<void>;
}

export interface Fault {
  readonly name: string;
  readonly harm: Harm;
  /** Needs other settings, or another Loki. */
  readonly world?: Pick<CollectingOptions, 'loki' | 'settings'>;
  /** The containers say nothing more while it is on. */
  readonly quiet?: boolean;
  /** Lines that it makes up, and that no container wrote. */
  readonly madeUp?: RegExp;
  /** How its containers are made, beside what their type says. */
  readonly containers?: ConstructorParameters<typeof Talker>[2];
  /** Lays it on, while all containers talk. */
  readonly strike: (world: CollectingWorld, talkers: readonly Talker[]) => Strike | Promise<Strike>;
}
