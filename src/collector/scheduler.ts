import pLimit from 'p-limit';
import type { Clock } from '../model/clock.js';
import type { ContainerSummary } from '../model/container.js';
import { joinedSignal } from '../model/joined-signal.js';
import { boundedSignal } from './bounded-signal.js';
import { isPolled, type ContainerState } from './container-state.js';
import type { Fleet } from './fleet.js';
import type { LogAccess } from './log-access.js';
import type { LokiGate } from './loki-gate.js';
import type { PollRunner } from './poll-runner.js';

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly runner: PollRunner;
  readonly gate: LokiGate;
  /** While all logs are refused, it chooses whose is asked for. */
  readonly access: Pick<LogAccess, 'probeAt' | 'chooseProbe' | 'probing'>;
  /** Polls at a time. */
  readonly concurrency: number;
  /** Told of a poll that rejected, which the runner promises not to do: a fault of the program. */
  readonly onBroken?: (container: ContainerSummary, error: Error) => void;
}

type Limit = ReturnType<typeof pLimit>;

/** Polls that are due within so many ms are started together, so that the process wakes seldom. */
const GRAIN_MS = 50;
const LONGEST_SLEEP_MS = 1000;
/** A container whose poll rejected waits so long for its next one. */
const AFTER_BROKEN_MS = 10_000;

/**
 * Starts the polls that are due, in a bounded pool, none twice at a time, and none while Loki is away. While the logs of all
 * containers are refused, a probe is polled now and then. Containers
 * whose last poll ran out of time share half of the pool: however many of them hang, the others are polled.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #limit: Limit;
  /** Those pass that ran out of time, before they come to the pool. */
  readonly #slow: Limit;
  readonly #running = new Set<Promise<void>>();
  #wake: (() => void) | undefined;
  /** Monotonic ms at which it will look again by itself. */
  #wakesAt = 0;
  #active = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#limit = pLimit(options.concurrency);
    this.#slow = pLimit(Math.ceil(options.concurrency / 2));
  }

  /** Polls under way. */
  get active(): number {
    return this.#active;
  }

  /** Something became due: look again now. */
  wake(): void {
    this.#wake?.();
  }

  /**
   * Runs until the signal aborts; then no poll is started any more, those under way stop reading, and the
   * promise resolves when what they read is delivered and committed.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, gate } = this.#options;
    const ending = joinedSignal([signal]);
    try {
      while (!signal.aborted) {
        const next = gate.isOpen ? this.#launchDue(ending.signal) : Infinity;
        const wait = Math.min(Math.max(next - clock.monotonic(), GRAIN_MS), LONGEST_SLEEP_MS);
        this.#wakesAt = clock.monotonic() + wait;
        await this.#sleep(wait, signal);
        await gate.opened(signal);
      }
    } finally {
      // Also after a fault of ours. What still waits in the pool's queue sees the signal and does nothing.
      ending.abort(new Error('the scheduler has ended'));
      ending.release();
      await Promise.allSettled(this.#running);
    }
  }

  /** Returns when the next one will be due, monotonic ms. */
  #launchDue(signal: AbortSignal): number {
    const { clock, access } = this.#options;
    const now = clock.monotonic();
    if (access.probeAt !== undefined) return this.#launchProbe(access.probeAt, now, signal);
    let next = Infinity;
    for (const state of this.#options.fleet.states()) {
      if (!isPolled(state.life) || state.busy) continue;
      if (state.dueAt <= now) this.#launch(state, false, signal);
      else if (state.dueAt < next) next = state.dueAt;
    }
    return next;
  }

  /** Returns when the next probe will be due, monotonic ms. */
  #launchProbe(probeAt: number, now: number, signal: AbortSignal): number {
    if (now < probeAt) return probeAt;
    const { access } = this.#options;
    const probe = access.chooseProbe();
    if (probe === undefined) return Infinity;
    access.probing();
    this.#launch(probe, true, signal);
    return access.probeAt ?? now;
  }

  #launch(state: ContainerState, isProbe: boolean, signal: AbortSignal): void {
    state.busy = true;
    const polled = this.#inPool(state, () => this.#poll(state, isProbe, signal))
      .catch((error: unknown) => this.#broken(state, error as Error))
      .finally(() => {
        state.busy = false;
        this.#options.fleet.left(state);
        this.#running.delete(polled);
        if (state.dueAt < this.#wakesAt) this.wake();
      });
    this.#running.add(polled);
  }

  #inPool(state: ContainerState, poll: () => Promise<void>): Promise<void> {
    return state.outOfTime ? this.#slow(() => this.#limit(poll)) : this.#limit(poll);
  }

  /** The fault is perhaps this container's alone: the others go on. */
  #broken(state: ContainerState, error: Error): void {
    state.lastError = error;
    state.dueAt = this.#options.clock.monotonic() + AFTER_BROKEN_MS;
    this.#options.onBroken?.(state.summary, error);
  }

  async #poll(state: ContainerState, isProbe: boolean, signal: AbortSignal): Promise<void> {
    const { gate, runner, access } = this.#options;
    // It may have waited long for its place in the pool.
    if (signal.aborted || !gate.isOpen || !isPolled(state.life)) return;
    if (access.probeAt !== undefined && !isProbe) return;
    const bounded = boundedSignal([signal, gate.reading]);
    this.#active++;
    try {
      await runner.run(state, bounded.signal);
    } finally {
      this.#active--;
      bounded.release();
    }
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const bounded = boundedSignal([signal, woken.signal]);
    await this.#options.clock.sleep(ms, bounded.signal).catch(() => undefined);
    bounded.release();
    this.#wake = undefined;
  }
}
