import type { Config } from '../config/schema.js';
import { PollardError } from '../model/errors.js';
import { systemClock } from '../model/system-clock.js';
import { secretMask } from '../observe/secret-mask.js';
import { unlessInterrupted } from './interrupted.js';
import { readMaxDuration, timeLimit } from './max-duration.js';
import type { TextSink } from './print-error.js';
import { resend } from './resend.js';
import type { Session } from './session.js';
import { silentLogger } from './silent-logger.js';
import { stopSignals } from './stop-signals.js';
import { verify } from './verify.js';
import { verifyProgress } from './verify-progress.js';
import { resendParts, verifyParts, type AuditPartsOptions, type Closable } from './wiring/audit-parts.js';
import { knownSecrets } from './wiring/known-secrets.js';
import { observeParts, silently, standardLogger } from './wiring/observe-parts.js';

/** The options of `verify`, as they were typed. */
export interface VerifyTexts {
  readonly since?: string;
  readonly until?: string;
  readonly container?: string[];
  readonly samples?: string;
  readonly repair?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Those of `resend`. */
export interface ResendTexts {
  readonly label?: string;
  readonly maxDuration: string;
  readonly json?: boolean;
}

/** `pollard verify` between its parts and the session: see verify. */
export async function runVerify(session: Session, config: Config, texts: VerifyTexts): Promise<void> {
  const progress = verifyProgress(session.output.err, systemClock);
  const { since, until, container = [], samples } = texts;
  const flags = {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    containers: container,
    ...(samples === undefined ? {} : { samples: wholeNumber('--samples', samples) }),
    json: texts.json === true,
  };
  if (texts.force === true && texts.repair !== true) {
    throw new PollardError('usage', '--force: there is nothing to force without --repair', {
      setting: '--force',
      hint: 'add --repair, or leave --force out',
      exit: 'usage',
    });
  }
  const repair = texts.repair === true ? { force: texts.force === true } : undefined;
  await withParts(
    'the audit',
    undefined,
    config,
    session,
    async (options) => await verifyParts(config, repair, options),
    async (parts, signal) => {
      try {
        return await verify({ ...parts, onProgress: progress.update }, flags, signal);
      } finally {
        progress.end();
      }
    },
  );
}

/** `pollard resend` likewise. */
export async function runResend(
  session: Session,
  config: Config,
  file: string,
  texts: ResendTexts,
): Promise<void> {
  const { label } = texts;
  const flags = { file, ...(label === undefined ? {} : { label }), json: texts.json === true };
  await withParts(
    'the sending',
    readMaxDuration(texts.maxDuration),
    config,
    session,
    async (options) => await resendParts(config, options),
    async (parts, signal) => await resend(parts, flags, signal),
  );
}

/**
 * Runs a command with its parts, which are closed however it ends.
 *
 * @param maxDuration ms; undefined: no bound
 */
async function withParts<Parts>(
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

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new PollardError('usage', `${flag}: ${JSON.stringify(text)} is not a whole number`, {
    setting: flag,
    hint: 'give a number such as 10',
    exit: 'usage',
  });
}
