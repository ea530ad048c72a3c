import type { Command } from 'commander';
import { systemClock } from '../model/system-clock.js';
import { PollardError } from '../model/errors.js';
import { exitCodesHelp } from './exit-codes-help.js';
import { secretMask } from '../observe/secret-mask.js';
import { unlessInterrupted } from './interrupted.js';
import type { TextSink } from './print-error.js';
import { resend } from './resend.js';
import type { Session } from './session.js';
import { withSettings } from './setting-options.js';
import { silentLogger } from './silent-logger.js';
import { stopSignals } from './stop-signals.js';
import { verify } from './verify.js';
import { verifyProgress } from './verify-progress.js';
import { resendParts, verifyParts, type AuditPartsOptions, type Closable } from './wiring/audit-parts.js';
import { knownSecrets } from './wiring/known-secrets.js';
import { observeParts, silently, standardLogger } from './wiring/observe-parts.js';
import type { Config } from '../config/schema.js';

interface VerifyTexts {
  readonly since?: string;
  readonly until?: string;
  readonly container?: string[];
  readonly samples?: string;
  readonly repair?: boolean;
  readonly json?: boolean;
}

const VERIFY_HELP = `
Examples:
  pollard verify --since 25h --until 10m
  pollard verify --container 'shop-*' --since 2026-11-20T00:00:00Z --json
  pollard verify --since 2h --repair

Times: ISO 8601 with a zone, so far back from now (25h), yesterday, or Unix seconds.
${exitCodesHelp({
  ok: 'nothing is missing',
  failure: true,
  usage: true,
  engine: true,
  loki: true,
  partial: 'some containers could not be read, or some lines not judged; nothing is known to be missing',
  mismatch: 'lines are missing in Loki',
  interrupted: true,
})}`;

const RESEND_HELP = `
Examples:
  pollard resend /var/lib/pollard/rejected.jsonl
  pollard resend /var/lib/pollard/rejected.jsonl --label resent=2026-11-25

What Loki refuses for its age it takes in a stream of its own, which --label makes. The file stays as it is; what
is refused again goes into a new one beside it.
${exitCodesHelp({
  ok: 'Loki took all of them',
  failure: true,
  usage: true,
  loki: true,
  partial: 'some lines were refused again, or could not be read',
  state: true,
  interrupted: true,
})}`;

/** Adds the commands that look after what was delivered: `verify` and `resend`. */
export function addAuditCommands(program: Command, session: Session): void {
  withSettings(program.command('verify'))
    .description("Hold the Engine's logs against Loki, line by line.")
    .option('--since <time>', 'from when on; default: 1d')
    .option('--until <time>', 'until when; default: now')
    .option('--container <name...>', 'only these; * and ? stand for other letters; an id will do')
    .option('--samples <n>', 'lines shown as examples, of each kind and container; default: 10')
    .option('--repair', 'send what is missing, and look again')
    .option('--json', 'print one JSON document')
    .addHelpText('after', VERIFY_HELP)
    .action(async (texts: VerifyTexts, command: Command) => {
      const config = await session.config(command);
      const progress = verifyProgress(session.output.err, systemClock);
      const { since, until, container = [], samples } = texts;
      const flags = {
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
        containers: container,
        ...(samples === undefined ? {} : { samples: wholeNumber('--samples', samples) }),
        json: texts.json === true,
      };
      await withParts(
        'the audit',
        config,
        session,
        async (options) => await verifyParts(config, texts.repair === true, options),
        async (parts, signal) => {
          try {
            return await verify({ ...parts, onProgress: progress.update }, flags, signal);
          } finally {
            progress.end();
          }
        },
      );
    });

  withSettings(program.command('resend'))
    .description('Send the lines of a rejected-lines file again.')
    .argument('<file>', 'the rejected-lines file')
    .option('--label <name=value>', 'put this label on every line, so that they get a stream of their own')
    .option('--json', 'print the summary as one JSON object')
    .addHelpText('after', RESEND_HELP)
    .action(async (file: string, texts: { label?: string; json?: boolean }, command: Command) => {
      const config = await session.config(command);
      const { label } = texts;
      const flags = { file, ...(label === undefined ? {} : { label }), json: texts.json === true };
      await withParts(
        'the sending',
        config,
        session,
        async (options) => await resendParts(config, options),
        async (parts, signal) => await resend(parts, flags, signal),
      );
    });
}

/** Runs a command with its parts, which are closed however it ends. */
async function withParts<Parts>(
  name: string,
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
  const { signal } = stop;
  try {
    const code = await unlessInterrupted(name, signal, async () => {
      const made = await make({ clock, random: Math.random, observe, out, signal });
      try {
        return await use(made.parts, signal);
      } finally {
        await made.close();
      }
    });
    session.end(code);
  } finally {
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
