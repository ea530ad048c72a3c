import { exitCodesHelp } from './exit-codes-help.js';

/** Behind the list of commands. */
export const EXIT_CODES = `${exitCodesHelp({
  ok: true,
  failure: true,
  usage: true,
  engine: true,
  loki: true,
  locked: true,
  partial: true,
  mismatch: true,
  state: true,
  interrupted: true,
})}

Examples:
  pollard check                     try out the configuration, the Engine and Loki; says what would be collected
  pollard run                       collect until stopped
  pollard status                    ask the running service how it is
  pollard COMMAND --help            what else a command can do`;

export const RUN_HELP = `
Examples:
  pollard run --config /etc/pollard/pollard.yaml
  pollard run --loki-url http://loki:3100 --start end
  POLLARD_LOKI_TENANT=my-team pollard run --docker-host tcp://10.0.0.5:2376 --log-format pretty

What may heal is waited for: an Engine or a Loki that is away, a full disk. What cannot heal ends it at once:
try it out with pollard check. SIGTERM or Ctrl-C ends it in order, a second one at once; nothing is lost by either.
${exitCodesHelp({
  ok: 'stopped by a signal',
  failure: true,
  usage: 'bad flags, a configuration that is refused, or a status.listen that cannot be had',
  engine: 'the Engine refuses us or is too old; one that is only away is waited for',
  locked: true,
  state: true,
  interrupted: true,
})}`;

export const CATCH_UP_HELP = `
Examples:
  pollard catch-up --loki-url http://loki:3100
  */5 * * * * pollard catch-up --config /etc/pollard/pollard.yaml --max-duration 15m --skip-if-locked >/dev/null

However it ends, the place in each log is kept, and the next run goes on from there.
${exitCodesHelp({
  ok: 'all that was there is in Loki',
  failure: true,
  usage: true,
  engine: true,
  loki: 'Loki cannot be reached, refuses us, or took nothing until --max-duration was over',
  locked: 'another process owns the state directory, and does the work; with --skip-if-locked it is 0',
  partial:
    'some containers could not be read to their end, or not within --max-duration, or Loki does not accept some lines, such as those too old for it; the rest is in Loki',
  state: true,
  interrupted: true,
})}`;
