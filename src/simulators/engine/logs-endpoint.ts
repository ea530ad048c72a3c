import { compareVersions } from './api-version.js';
import type { SimulatedContainer } from './container.js';
import type { Exchange } from './exchange.js';
import { flag, tailValue, timeValue } from './query-values.js';
import type { LogReading } from './read-log.js';
import { errorOnWire, WireEncoder, wireOptions } from './wire.js';

/** What waits in the daemon between its reader and its writer (moby: daemon/logger/logger.go, logWatcherBufferSize). */
const WATCHER_QUEUE = 4096;

/**
 * `GET /containers/{id}/logs` (moby: api/server/router/container/container_routes.go, getContainersLogs;
 * daemon/logs.go, ContainerLogs). Never follows: that is refused, and noted as a violation.
 */
export async function answerLogs(exchange: Exchange, container: SimulatedContainer): Promise<void> {
  const { daemon, query } = exchange;
  const { profile } = daemon;
  if (flag(query, 'follow')) {
    daemon.requests.violation(`follow=1 on ${container.name}`);
    exchange.error(400, 'this simulator does not follow logs');
    return;
  }
  const stdout = flag(query, 'stdout');
  const stderr = flag(query, 'stderr');
  if (!stdout && !stderr) {
    exchange.error(400, 'Bad parameters: you must choose at least one stream');
    return;
  }
  if (container.state === 'removing' || container.state === 'dead') {
    exchange.error(409, 'can not get logs from container which is dead or marked for removal');
    return;
  }
  if (!container.readable) {
    exchange.error(501, 'configured logging driver does not support reading');
    return;
  }
  const since = timeValue(query.get('since'));
  const until = query.get('until') === '0' ? { ns: undefined } : timeValue(query.get('until'));
  for (const [name, value] of Object.entries({ since, until })) {
    if (!('problem' in value)) continue;
    const named = compareVersions(profile.apiVersion, '1.52') >= 0;
    if (named) exchange.error(400, `invalid value for "${name}": ${value.problem}`);
    else exchange.error(500, value.problem);
    return;
  }
  const reading = container.log.open({
    since: 'ns' in since ? since.ns : undefined,
    until: 'ns' in until ? until.ns : undefined,
    tail: tailValue(query.get('tail')),
    stdout,
    stderr,
  });
  const type = contentType(exchange, container.tty);
  if (reading.hangs) {
    await exchange.strike({ kind: 'hang_after_header' });
  }
  const encoder = new WireEncoder(
    wireOptions(profile, container.log.format, daemon.zoneOffset, {
      tty: container.tty,
      timestamps: flag(query, 'timestamps'),
      details: flag(query, 'details'),
    }),
  );
  await exchange.stream(type, pieces(reading, encoder, container.tty, daemon.random), {
    kind: container.tty ? 'raw' : 'frames',
    stampPrefix: `${encoder.stamp(daemon.now())} `,
  });
}

/** None before Engine 23; then `raw`, and `multiplexed` without TTY from API 1.42 (container_routes.go). */
function contentType(exchange: Exchange, tty: boolean): string | undefined {
  if (!exchange.daemon.profile.logsContentType) return undefined;
  const multiplexed = !tty && compareVersions(exchange.version, '1.42') >= 0;
  return `application/vnd.docker.${multiplexed ? 'multiplexed' : 'raw'}-stream`;
}

function* pieces(
  reading: LogReading,
  encoder: WireEncoder,
  tty: boolean,
  random: () => number,
): Generator<Buffer> {
  const { entries, error } = reading;
  if (error === undefined) {
    for (const entry of entries) yield encoder.encode(entry);
    return;
  }
  // The error and the lines wait in two channels, and a select takes from either by chance: the error overtakes
  // lines that are good, or comes after the end of all, unseen (daemon/logs.go).
  const sure = entries.length - Math.floor(random() * (Math.min(WATCHER_QUEUE, entries.length) + 1));
  for (const [index, entry] of entries.entries()) {
    if (index >= sure && random() < 0.5) {
      yield errorOnWire(error, tty);
      return;
    }
    yield encoder.encode(entry);
  }
  if (random() < 0.5) yield errorOnWire(error, tty);
}
