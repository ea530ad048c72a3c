import type { Clock, Random } from '../model/clock.js';
import { backoffMs } from './backoff.js';
import type { Pusher } from './pusher.js';
import type { BackoffSettings } from './settings.js';
import type { StreamTarget } from './stream-target.js';

export interface FirstAnswerOptions {
  readonly pusher: Pick<Pusher, 'hasAnswered' | 'underWay' | 'state' | 'tryOut'>;
  /** A stream such as those of containers. Nothing is stored in it. */
  readonly target: StreamTarget;
  readonly backoff: Pick<BackoffSettings, 'minMs' | 'maxMs'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** The first push of lines mostly comes sooner, ms. */
const LET_LINES_GO_FIRST = 1000;

/**
 * Finds out whether Loki answers pushes. As long as no push has shown it and none is under way, it sends requests
 * without lines: on an idle host there would be no answer otherwise. These do not change the state of the pusher.
 */
export class FirstAnswer {
  readonly #options: FirstAnswerOptions;
  #failure = '';

  constructor(options: FirstAnswerOptions) {
    this.#options = options;
  }

  /** Why Loki counts as not heard from; empty once it has answered. */
  get missing(): string {
    const { pusher } = this.#options;
    if (pusher.hasAnswered) return '';
    const reason = pusher.state().reason || this.#failure;
    return reason === '' ? 'Loki has not answered yet' : `Loki has not answered yet: ${reason}`;
  }

  /** Resolves when Loki has answered, or when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { pusher, target, backoff, clock, random } = this.#options;
    let failures = 0;
    let wait = LET_LINES_GO_FIRST;
    try {
      for (;;) {
        await clock.sleep(wait, signal);
        if (pusher.hasAnswered) return;
        wait = LET_LINES_GO_FIRST;
        // The lines that are under way will show it.
        if (pusher.underWay > 0) continue;
        const failure = await pusher.tryOut(target, signal);
        if (failure === undefined) return;
        this.#failure = failure;
        failures++;
        wait = backoffMs(failures, backoff, random);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
