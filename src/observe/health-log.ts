import type { Logger } from '../model/logger.js';
import type { HealthChange } from './health.js';

const LEVEL = { healthy: 'info', degraded: 'warn', unhealthy: 'error' } as const;

/** Makes what tells the log of a part's change: what it is now, why, and how long it was what it was before. */
export function healthLog(logger: Logger): (change: HealthChange) => void {
  return ({ part, before, now, lasted }) => {
    logger[LEVEL[now.state]](`health of ${part}: ${now.state}`, {
      ...(now.reason === '' ? {} : { reason: now.reason }),
      before,
      seconds_before: Math.round(lasted),
    });
  };
}
