import type { Command } from 'commander';
import type { ResendTexts, VerifyTexts } from './audit-run.js';
import { exitCodesHelp } from './exit-codes-help.js';
import { MAX_DURATION_OPTION } from './max-duration.js';
import type { Session } from './session.js';
import { withSettings } from './setting-options.js';

const VERIFY_HELP = `
Examples:
  pollard verify --since 25h --until 10m
  pollard verify --container 'shop-*' --since 2026-11-20T00:00:00Z --json
  pollard verify --since 2h --repair

Lines that Loki has with the container's id under other labels than these settings give are delivered, and named. They
are mostly a sign of settings that differ from those of the service (collector.host, labels): --repair does not send
them again without --force, and ends with 6.

Times: ISO 8601 with a zone, so far back from now (25h), yesterday, or Unix seconds.
${exitCodesHelp({
  ok: 'nothing is missing',
  failure: true,
  usage: true,
  engine: true,
  loki: true,
  partial:
    'some containers could not be read, some lines not judged, or not sent by --repair, since Loki has them under other labels; nothing is known to be missing',
  mismatch: 'lines are missing in Loki',
  interrupted: true,
})}`;

const RESEND_HELP = `
Examples:
  pollard resend /var/lib/pollard/rejected.jsonl
  pollard resend /var/lib/pollard/rejected.jsonl --label resent=2026-11-25

The older file beside it (FILE.1) is read with it. The files stay as they are; what is refused again goes into a new
one beside them. A line is refused again as long as the cause is there:
  too-far-behind  send it with --label: in a stream of its own nothing newer is there
  too-new         send it later, or set the wrong clock right
  all others      raise the limit that the reason names; --label does not help
Lines of which no copy was kept (too old for Loki, or past rejected.max_bytes) are counted only, and are not sent.
Docker's log has them as long as it is not rotated. Once Loki accepts them (too old: raise its
reject_old_samples_max_age), \`pollard cursors reset CONTAINER --to beginning\` reads them again.
${exitCodesHelp({
  ok: 'Loki took all of them',
  failure: true,
  usage: true,
  loki: 'Loki cannot be reached, refuses us, or took nothing until --max-duration was over',
  partial: 'some lines were refused again, could not be read, or were not sent within --max-duration',
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
    .option(
      '--force',
      'with --repair: also send what Loki has under other labels; it has each line twice then',
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', VERIFY_HELP)
    .action(async (texts: VerifyTexts, command: Command) => {
      const { runVerify } = await import('./audit-run.js');
      await runVerify(session, await session.config(command), texts);
    });

  withSettings(program.command('resend'))
    .description('Send the lines of a rejected-lines file again.')
    .argument('<file>', 'the rejected-lines file')
    .option(
      '--label <name=value>',
      'put this label on every line: a stream of their own; helps only lines too far behind',
    )
    .option(...MAX_DURATION_OPTION)
    .option('--json', 'print the summary as one JSON object')
    .addHelpText('after', RESEND_HELP)
    .action(async (file: string, texts: ResendTexts, command: Command) => {
      const { runResend } = await import('./audit-run.js');
      await runResend(session, await session.config(command), file, texts);
    });
}
