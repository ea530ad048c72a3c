import { NS_PER_MS } from '../../model/nanoseconds.js';
import { compareVersions } from './api-version.js';
import { eventJson, type EngineEvent } from './event-ring.js';
import type { Exchange } from './exchange.js';
import { includesEvent, parseFilters } from './filters.js';
import { timeValue } from './query-values.js';

/**
 * `GET /events` (moby: api/server/router/system/system_routes.go, getEvents). An `until` of the past is
 * answered at once from the ring; one of the future, or none, holds the answer open.
 */
export async function answerEvents(exchange: Exchange): Promise<void> {
  const { daemon, query } = exchange;
  const since = timeValue(query.get('since'));
  const until = timeValue(query.get('until'));
  for (const value of [since, until]) {
    if ('problem' in value) {
      exchange.error(500, value.problem);
      return;
    }
  }
  const range = {
    since: 'ns' in since ? since.ns : undefined,
    until: 'ns' in until ? until.ns : undefined,
  };
  if (range.since !== undefined && range.until !== undefined && range.until < range.since) {
    const [from, to] = [query.get('since') ?? '', query.get('until') ?? ''];
    exchange.error(400, `\`since\` time (${from}) cannot be after \`until\` time (${to})`);
    return;
  }
  const filters = parseFilters(query.get('filters'));
  if (filters === undefined) {
    exchange.error(400, 'invalid filter');
    return;
  }
  if (range.until === undefined) daemon.requests.violation('events without until: a stream without end');

  const legacy = compareVersions(exchange.version, '1.52') < 0;
  const type = legacy ? 'application/json' : 'application/jsonl';
  const include = (event: EngineEvent): boolean => includesEvent(filters, event);
  const lines = daemon.events.query(range, include).map((event) => Buffer.from(eventJson(event, legacy)));
  // Compared with the clock itself; the daemon's stamps may be a few nanoseconds ahead of a coarse one.
  const now = daemon.clock.now();
  if (range.until !== undefined && range.until < now) {
    await exchange.stream(type, lines, { kind: 'json', stampPrefix: '' });
    return;
  }

  exchange.begin(type);
  const { response, gone } = exchange;
  for (const line of lines) response.write(line);
  const unsubscribe = daemon.events.subscribe((event) => {
    if (include(event)) response.write(eventJson(event, legacy));
  });
  try {
    if (range.until === undefined) {
      if (!gone.aborted) await new Promise((resolve) => gone.addEventListener('abort', resolve));
    } else await daemon.clock.sleep(Number((range.until - now) / NS_PER_MS) + 1, gone).catch(() => undefined);
  } finally {
    unsubscribe();
  }
  response.end();
}
