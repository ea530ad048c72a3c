import type { Command } from 'commander';
import type { BackfillTexts } from './backfill-flags.js';
import { exitCodesHelp } from './exit-codes-help.js';
import type { Session } from './session.js';
import { withSettings } from './setting-options.js';

const HELP = `
Examples:
  pollard backfill --since yesterday --until today
  pollard backfill --since 2026-11-20T08:00 --until 2026-11-20T12:00 --container 'shop-*' --dry-run
  pollard backfill --since 7d --project shop --label tier=web

The range includes --since and excludes --until. Only lines that Loki does not have are sent, so it can be run as often
as wanted, also beside the service: its cursors are not changed, and lines after them are left to it. An interrupted
run goes on when it is started again with the same range and containers, or with the same --name.

Times: ISO 8601 (without a zone: local time), a length of time back from now (36h, 7d), yesterday, today, or Unix
seconds. Of a day its beginning is meant: --since yesterday --until today is the whole of yesterday.

Loki accepts a line in the live stream if it is at most an hour older than the newest (half of max_chunk_age). Older
lines get a stream of their own with one more label (backfill.label), up to reject_old_samples_max_age.
${exitCodesHelp({
  ok: 'all that Docker has of the range is in Loki; with --dry-run: nothing is missing',
  failure: true,
  usage: 'bad flags, a configuration that is refused, or no such container',
  engine: 'the Engine did not answer for as long as --patience; the place is kept',
  loki: 'Loki did not answer for as long as --patience, or refuses us; the place is kept',
  locked: 'another process works on the same run',
  partial:
    'lines were refused by Loki or left to the service, or a container could not be read to its end; the report says which',
  mismatch: 'lines are missing in Loki; with --dry-run: these would be sent',
  state: true,
  interrupted: true,
})}`;

const LIST_HELP = exitCodesHelp({
  ok: 'printed',
  failure: true,
  usage: 'bad flags, or a configuration that is refused',
  state: 'the state directory cannot be read, such as for its owner',
});

/** Adds `pollard backfill` and `pollard backfill list`. */
export function addBackfillCommands(program: Command, session: Session): void {
  const backfill = withSettings(program.command('backfill'))
    .description("Send what is missing in Loki of a range of time, from Docker's logs.")
    .option('--since <time>', 'from when on; required')
    .option('--until <time>', 'until when; default: now')
    .option('--container <name...>', 'only these; * and ? stand for other letters; an id will do')
    .option('--project <name>', 'only containers of this Compose project')
    .option('--service <name>', 'only containers of this Compose service')
    .option('--label <name=value...>', 'only containers with this label')
    .option('--name <name>', 'the name of the run; default: made from the range and the containers')
    .option('--dry-run', 'send nothing; report what would be sent')
    .option('--blind', 'send without asking Loki what it has, for a token that may only write')
    .option('--into-live', 'never use a stream of its own for old lines; Loki may refuse them')
    .option('--restart', 'begin an interrupted run of this name again')
    .option('--rate <bytes>', 'bytes a second, such as 1MiB/s; default: backfill.rate')
    .option('--concurrency <n>', 'containers at a time; default: backfill.concurrency')
    .option('--patience <time>', 'wait this long for an Engine or a Loki that is away', '15m')
    .option('--quiet', 'print nothing but errors')
    .option('--json', 'print the report as one JSON object')
    .addHelpText('after', HELP)
    .action(async (texts: BackfillTexts, command: Command) => {
      const { runBackfill } = await import('./backfill-run.js');
      await runBackfill(session, await session.config(command), texts);
    });

  withSettings(backfill.command('list'))
    .description('Show interrupted runs, and those that finished in the last week.')
    .option('--json', 'print them as one JSON object')
    .addHelpText('after', LIST_HELP)
    .action(async (texts: { json?: boolean }, command: Command) => {
      const { listBackfills } = await import('./backfill-list.js');
      const json = texts.json === true;
      session.end(await listBackfills(await session.config(command), json, session.output));
    });
}
