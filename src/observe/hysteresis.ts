import { worse, type HealthState } from './health.js';
import type { Limits } from './resource-rules.js';

export interface HysteresisSettings {
  /** Judgements in a row before a state gets worse. */
  readonly raiseAfter: number;
  /** Judgements in a row before it gets better. */
  readonly clearAfter: number;
  /** A figure is good again only below this part (0 to 1) of its limit. */
  readonly clearRatio: number;
}

/**
 * The state of one figure, which does not flap while the figure moves around its limit: it gets as bad as the
 * best of the last judgements, and as good as the worst of more of them, against a lower limit.
 */
export class Hysteresis {
  readonly #settings: HysteresisSettings;
  #state: HealthState = 'healthy';
  /** Against the limits; the last `raiseAfter`. */
  #raised: HealthState[] = [];
  /** Against the lower limits; the last `clearAfter`. */
  #cleared: HealthState[] = [];

  constructor(settings: HysteresisSettings) {
    this.#settings = settings;
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Takes the next judgement; an undefined figure (nothing to be judged) counts as a good one. */
  judge(figure: number | undefined, limits: Limits): HealthState {
    const { raiseAfter, clearAfter, clearRatio } = this.#settings;
    this.#raised = [...this.#raised, stateOf(figure, limits, 1)].slice(-raiseAfter);
    this.#cleared = [...this.#cleared, stateOf(figure, limits, clearRatio)].slice(-clearAfter);
    if (this.#raised.length === raiseAfter) this.#state = worse(this.#state, this.#raised.reduce(better));
    if (this.#cleared.length === clearAfter) this.#state = better(this.#state, this.#cleared.reduce(worse));
    return this.#state;
  }
}

function stateOf(figure: number | undefined, limits: Limits, ratio: number): HealthState {
  if (figure === undefined) return 'healthy';
  if (figure > limits.unhealthy * ratio) return 'unhealthy';
  return figure > limits.degraded * ratio ? 'degraded' : 'healthy';
}

function better(a: HealthState, b: HealthState): HealthState {
  return worse(a, b) === a ? b : a;
}
