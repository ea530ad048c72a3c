import type { Config } from '../config/schema.js';
import { PollardError } from '../model/errors.js';
import { systemClock } from '../model/system-clock.js';
import { secretMask } from '../observe/secret-mask.js';
import { unlessInterrupted } from './interrupted.js';
import { timeLimit } from './max-duration.js';
import type { TextSink } from './print-error.js';
import type { Session } from './session.js';
import { silentLogger } from './silent-logger.js';
import { stopSignals } from './stop-signals.js';
import type { AuditPartsOptions, Closable } from './wiring/audit-parts.js';
import { knownSecrets } from './wiring/known-secrets.js';
import { observeParts, silently, standardLogger } from './wiring/observe-parts.js';

/**
 * Runs a command with its parts, which are closed however it ends.
 *
 * @param maxDuration ms; undefined: no bound
 */
export async function withParts<Parts>(
  name: string,
  maxDuration: number | undefined,
  config: Config,
  session: Session,
  make: (options: AuditPartsOptions) => Promise<Closable<Parts>>,
  use: (parts: Parts, signal: AbortSignal) => Promise<number>,
): Promise<void> {
  const clock = systemClock;
  const observe = observeParts(config, clock, standardLogger(config, clock, session.output.err), silently);
  // A server's answers are quoted, and some repeat what they were sent.
  const mask = secretMask(knownSecrets(config));
  const out: TextSink = { write: (text) => session.output.out.write(mask(text)) };
  const stop = stopSignals(silentLogger);
  const limit = timeLimit(name, maxDuration, clock, stop.signal, () => {
    const { tried, failed } = observe.metrics.pushTotals();
    return tried === failed || observe.health.report().parts.loki.state !== 'healthy' ? 'loki' : 'partial';
  });
  const { signal } = limit;
  try {
    const code = await unlessInterrupted(name, stop.signal, async () => {
      const made = await make({ clock, random: Math.random, observe, out, signal });
      try {
        return await use(made.parts, signal);
      } finally {
        await made.close();
      }
    });
    session.end(code);
  } catch (error) {
    throw limit.passed !== undefined && error instanceof PollardError ? limit.passed : error;
  } finally {
    limit.release();
    stop.release();
    observe.limited.flush();
    await observe.logger.close();
  }
}
