import type { Clock } from '../model/clock.js';
import { isPolled, type ContainerState } from './container-state.js';
import type { CollectorObserver } from './observer.js';

export interface LogAccessOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly observer: Pick<CollectorObserver, 'logRefused' | 'allLogsRefused' | 'logsGranted'>;
  /** The containers there are. */
  readonly states: () => Iterable<ContainerState>;
  /** ms between the conclusion that all logs are refused and the first probe; doubled with each. */
  readonly firstPause: number;
}

interface Refusal {
  readonly state: ContainerState;
  readonly error: Error;
  /** It was reported as that of this container alone. */
  readonly isReported: boolean;
}

/** The longest pause between two probes, ms: within this time it is noticed that logs are let through again. */
const LONGEST_PAUSE = 30_000;

/**
 * Whether logs may be read at all. A socket proxy may let the list and the events through and refuse the logs of every
 * container (401, 403); an authorization plugin may refuse those of a single one. Which of the two it is shows when the
 * other containers are polled: until then a refusal is not reported. While all are refused, one container at a time is
 * polled as a probe, ever less often, and the others wait. The first log that is answered ends that.
 */
export class LogAccess {
  readonly #options: LogAccessOptions;
  /** The containers whose last request was refused, by id, the latest last. */
  readonly #refused = new Map<string, Refusal>();
  #allRefused: { readonly error: Error; readonly pause: number; readonly probeAt: number } | undefined;

  constructor(options: LogAccessOptions) {
    this.#options = options;
  }

  /** Why the logs of all containers are refused; undefined: they are not. */
  get refusal(): Error | undefined {
    return this.#allRefused?.error;
  }

  /** When the next probe is due, monotonic ms; undefined: every container may be polled. */
  get probeAt(): number | undefined {
    return this.#allRefused?.probeAt;
  }

  /**
   * The container to poll as a probe: an active one that was not refused yet, else the one that was refused longest
   * ago. Undefined when there is none that can be polled.
   */
  chooseProbe(): ContainerState | undefined {
    const idle = [...this.#options.states()].filter((state) => !state.busy && isPolled(state.life));
    const untried = idle.find((state) => isActive(state) && !this.#isRefused(state));
    if (untried !== undefined) return untried;
    for (const { state } of this.#refused.values()) if (idle.includes(state)) return state;
    return idle[0];
  }

  /** A probe is on its way. */
  probing(): void {
    if (this.#allRefused === undefined) return;
    const { error, pause } = this.#allRefused;
    const probeAt = this.#options.clock.monotonic() + pause;
    this.#allRefused = { error, pause: Math.min(pause * 2, LONGEST_PAUSE), probeAt };
  }

  /** The log of a container was answered, whatever the answer was worth. */
  answered(containerId: string): void {
    this.#refused.delete(containerId);
    if (this.#allRefused === undefined) {
      this.#reportRest();
      return;
    }
    this.#allRefused = undefined;
    const now = this.#options.clock.monotonic();
    for (const { state } of this.#refused.values()) pollNow(state, now);
    this.#refused.clear();
    this.#options.observer.logsGranted();
  }

  /** The request for the log of a container, or the inspection before it, was refused. */
  refused(state: ContainerState, error: Error): void {
    // What is refused once more moves to the end.
    this.#refused.delete(state.summary.id);
    this.#refused.set(state.summary.id, { state, error, isReported: false });
    for (const [id, { state: each }] of this.#refused) if (!isPolled(each.life)) this.#refused.delete(id);
    if (this.#allRefused === undefined && (this.#isAnyLeft() || this.#looksAtDrained())) return;
    const { clock, firstPause, observer } = this.#options;
    const { pause, probeAt } = this.#allRefused ?? {
      pause: Math.min(firstPause * 2, LONGEST_PAUSE),
      probeAt: clock.monotonic() + firstPause,
    };
    this.#allRefused = { error, pause, probeAt };
    observer.allLogsRefused(error);
  }

  /** Of some container it is not known whether its log is refused: it was answered last, or not asked for yet. */
  #isAnyLeft(): boolean {
    for (const state of this.#options.states()) {
      // What fails for another reason shows neither.
      if (isActive(state) && !this.#isRefused(state) && state.failures === 0) return true;
    }
    return false;
  }

  /**
   * Where only drained containers are left, one of them shows whether its log is refused as well: it is looked at now.
   *
   * @returns false: there is none, or one was refused already
   */
  #looksAtDrained(): boolean {
    const drained = [...this.#options.states()].filter(({ life }) => life === 'drained');
    const [first] = drained;
    if (first === undefined || drained.some((state) => this.#isRefused(state))) return false;
    if (!drained.some(({ busy }) => busy)) first.dueAt = this.#options.clock.monotonic();
    return true;
  }

  #isRefused({ summary }: ContainerState): boolean {
    return this.#refused.has(summary.id);
  }

  /** Another container's log was answered: what was refused is refused for these alone. */
  #reportRest(): void {
    for (const [id, refusal] of this.#refused) {
      // Of a drained one all was delivered.
      if (refusal.isReported || !isActive(refusal.state)) continue;
      this.#refused.set(id, { ...refusal, isReported: true });
      this.#options.observer.logRefused(refusal.state.summary, refusal.error);
    }
  }
}

function isActive({ life }: ContainerState): boolean {
  return life === 'active';
}

/** It was kept waiting, and may be answered now. */
function pollNow(state: ContainerState, now: number): void {
  state.failures = 0;
  state.dueAt = now;
}
