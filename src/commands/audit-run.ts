import type { AuditReport } from '../audit/report.js';
import type { Config } from '../config/schema.js';
import { PollardError } from '../model/errors.js';
import { systemClock } from '../model/system-clock.js';
import { verifyFigures } from './job-figures.js';
import { readMaxDuration } from './max-duration.js';
import { resend } from './resend.js';
import type { Session } from './session.js';
import { verify } from './verify.js';
import { verifyProgress } from './verify-progress.js';
import { resendParts, verifyParts } from './wiring/audit-parts.js';
import { watchJob } from './wiring/job-watch.js';
import { withParts } from './with-parts.js';

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
  const watch = { config, command: 'verify', clock: systemClock, err: session.output.err };
  await watchJob(watch, async (job) => {
    await withParts(
      'the audit',
      undefined,
      config,
      session,
      async (options) => await verifyParts(config, repair, options),
      async (parts, signal) => {
        const onReport = (report: AuditReport): void => job.report(verifyFigures(report));
        try {
          return await verify({ ...parts, onReport, onProgress: progress.update }, flags, signal);
        } finally {
          progress.end();
        }
      },
    );
    return session.code;
  });
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

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new PollardError('usage', `${flag}: ${JSON.stringify(text)} is not a whole number`, {
    setting: flag,
    hint: 'give a number such as 10',
    exit: 'usage',
  });
}
