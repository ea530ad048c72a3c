import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 50;

export interface Patience {
  /** ms; generous, since it only bounds how long a failing test takes. Default one minute. */
  readonly patience?: number;
  /** Asked when it did not come to hold: what there is instead. */
  readonly instead?: () => unknown;
  /** Ends the waiting early: why it cannot come to hold any more. */
  readonly hopeless?: () => string | undefined;
}

/**
 * Waits until something holds.
 *
 * @param what of which the error says that it did not come
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { patience = 60_000, instead, hopeless }: Patience = {},
): Promise<void> {
  const deadline = performance.now() + patience;
  while (!(await holds())) {
    const reason =
      hopeless?.() ?? (performance.now() > deadline ? `not within ${patience / 1000} s` : undefined);
    if (reason !== undefined) {
      const seen = instead ? `; instead: ${JSON.stringify(instead())}` : '';
      throw new Error(`waited in vain until ${what}: ${reason}${seen}`);
    }
    await delay(STEP_MS);
  }
}
