import { formatDuration, parseDuration } from '../config/values.js';
import type { Clock } from '../model/clock.js';
import { PollardError } from '../model/errors.js';
import { joinedSignal } from '../model/joined-signal.js';
import { sharedController } from '../model/shared-controller.js';

/** The option of a command that collects or sends once and ends by itself: flags, description, default. */
export const MAX_DURATION_OPTION = [
  '--max-duration <time>',
  'give up after so long, the place kept; 0: never',
  '15m',
] as const;

const LONGEST_MS = 7 * 86_400_000;

/**
 * The value of `--max-duration`.
 *
 * @returns ms; undefined: no bound
 * @throws PollardError `max_duration_invalid`
 */
export function readMaxDuration(written: string): number | undefined {
  const ms = parseDuration(written);
  if (ms === 0) return undefined;
  if (ms !== undefined && ms <= LONGEST_MS) return ms;
  const shown = JSON.stringify(written.slice(0, 60));
  throw new PollardError('max_duration_invalid', `--max-duration: ${shown} is no length of time`, {
    hint: 'write one such as 90s, 15m or 1h, up to 7d; 0 for no bound',
    setting: '--max-duration',
    exit: 'usage',
  });
}

/** A command was not done within `--max-duration`. */
export class MaxDurationPassed extends PollardError {
  override name = 'MaxDurationPassed';

  /**
   * @param what the command, such as `the catch-up`
   * @param blame `loki`: Loki takes nothing; `partial`: there was more to do than there was time for
   */
  constructor(what: string, ms: number, blame: 'loki' | 'partial') {
    const why = blame === 'loki' ? 'Loki takes nothing' : 'there was more to do';
    super('max_duration_passed', `${what} was given up after ${formatDuration(ms)}: ${why}`, {
      setting: '--max-duration',
      hint:
        blame === 'loki'
          ? 'see that Loki answers at loki.url; nothing is lost, and another run does the rest'
          : 'nothing is lost, and another run does the rest; raise --max-duration if there is always so much',
      exit: blame,
    });
  }
}

/** The signal by which a command ends, and the duty to release it. */
export interface TimeLimit {
  /** Aborts with the command's own signal, or when the time is over, then with MaxDurationPassed. */
  readonly signal: AbortSignal;
  /** Set when the time was over first. */
  readonly passed: MaxDurationPassed | undefined;
  release(): void;
}

/**
 * Bounds how long a command runs.
 *
 * @param what the command, such as `the catch-up`
 * @param ms undefined: no bound
 * @param asked the signal by which the operator ends it
 * @param blame asked when the time is over, before anything is given up
 */
export function timeLimit(
  what: string,
  ms: number | undefined,
  clock: Clock,
  asked: AbortSignal,
  blame: () => 'loki' | 'partial',
): TimeLimit {
  const joined = joinedSignal([asked]);
  const released = sharedController();
  let passed: MaxDurationPassed | undefined;
  if (ms !== undefined) {
    const expire = (): void => {
      if (!joined.signal.aborted) joined.abort((passed = new MaxDurationPassed(what, ms, blame())));
    };
    clock.sleep(ms, released.signal).then(expire, () => undefined);
  }
  return {
    signal: joined.signal,
    get passed() {
      return passed;
    },
    release: () => {
      released.abort();
      joined.release();
    },
  };
}
