import type { Clock } from '../model/clock.js';
import { formatStamp, type Nanoseconds } from '../model/nanoseconds.js';

export type HealthState = 'healthy' | 'degraded' | 'unhealthy';

export const HEALTH_PARTS = ['engine', 'loki', 'cursors', 'rejected', 'resources', 'containers'] as const;
export type HealthPart = (typeof HEALTH_PARTS)[number];

export interface PartHealth {
  readonly state: HealthState;
  /** What is wrong, with figures; empty when healthy. */
  readonly reason: string;
  /** Since when it is in this state, RFC 3339. */
  readonly since: string;
}

/** The whole is as its worst part is. */
export interface HealthReport extends PartHealth {
  readonly parts: Readonly<Record<HealthPart, PartHealth>>;
}

/** A part went from one state to another. */
export interface HealthChange {
  readonly part: HealthPart;
  readonly before: HealthState;
  readonly now: PartHealth;
  /** How long the state before lasted, seconds. */
  readonly lasted: number;
}

interface Held {
  state: HealthState;
  reason: string;
  since: Nanoseconds;
  /** Monotonic ms. */
  sinceMonotonic: number;
}

const GRAVITY: Record<HealthState, number> = { healthy: 0, degraded: 1, unhealthy: 2 };

/** The graver of two states. */
export function worse(a: HealthState, b: HealthState): HealthState {
  return GRAVITY[b] > GRAVITY[a] ? b : a;
}

/**
 * The state of each part, why, and since when. Parts are healthy until told otherwise; whether the service has
 * started at all is for readiness to say.
 */
export class Health {
  readonly #clock: Clock;
  readonly #onChange: (change: HealthChange) => void;
  readonly #parts: Record<HealthPart, Held>;
  #overall: { state: HealthState; since: Nanoseconds };

  /** @param onChange told of each change of a part's state, not of a new reason for the same state */
  constructor(clock: Clock, onChange: (change: HealthChange) => void = () => undefined) {
    this.#clock = clock;
    this.#onChange = onChange;
    const healthy = (): Held => ({
      state: 'healthy',
      reason: '',
      since: clock.now(),
      sinceMonotonic: clock.monotonic(),
    });
    this.#parts = {
      engine: healthy(),
      loki: healthy(),
      cursors: healthy(),
      rejected: healthy(),
      resources: healthy(),
      containers: healthy(),
    };
    this.#overall = { state: 'healthy', since: clock.now() };
  }

  /**
   * Sets how a part is. The same state again keeps its `since` and takes the new reason.
   *
   * @param reason what is wrong, with figures; left out of what is healthy
   */
  set(part: HealthPart, state: HealthState, reason = ''): void {
    const held = this.#parts[part];
    const before = held.state;
    held.reason = state === 'healthy' ? '' : reason;
    if (before === state) return;
    const lasted = (this.#clock.monotonic() - held.sinceMonotonic) / 1000;
    held.state = state;
    held.since = this.#clock.now();
    held.sinceMonotonic = this.#clock.monotonic();
    const overall = this.#worst();
    if (overall !== this.#overall.state) this.#overall = { state: overall, since: held.since };
    this.#onChange({ part, before, now: printed(held), lasted });
  }

  /** All parts, and the whole: its reason names each part that is not healthy, the worst first. */
  report(): HealthReport {
    const ill = HEALTH_PARTS.filter((part) => this.#parts[part].state !== 'healthy').sort(
      (a, b) => GRAVITY[this.#parts[b].state] - GRAVITY[this.#parts[a].state],
    );
    return {
      state: this.#overall.state,
      reason: ill.map((part) => `${part}: ${this.#parts[part].reason}`).join('; '),
      since: formatStamp(this.#overall.since),
      parts: Object.fromEntries(HEALTH_PARTS.map((part) => [part, printed(this.#parts[part])])) as Record<
        HealthPart,
        PartHealth
      >,
    };
  }

  #worst(): HealthState {
    return HEALTH_PARTS.map((part) => this.#parts[part].state).reduce(worse);
  }
}

function printed(held: Held): PartHealth {
  return { state: held.state, reason: held.reason, since: formatStamp(held.since) };
}
