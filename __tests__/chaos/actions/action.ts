import type { ChaosWorld } from '../world.js';

/** On what an action works. */
export type Side = 'containers' | 'Engine' | 'Loki' | 'collector' | 'clock';

/** Something that may happen in a step. */
export interface Action {
  readonly name: string;
  readonly side: Side;
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  /**
   * Does it; what it decides, it decides by the world's dice alone and by nothing that depends on time.
   *
   * @returns what was done, for the log of steps; undefined: it was not possible now
   */
  readonly act: (world: ChaosWorld) => string | undefined | Promise<string | undefined>;
}
