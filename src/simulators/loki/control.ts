import { json, NO_CONTENT, queryError, type Answer } from './answer.js';
import type { Exchange } from './exchange.js';
import type { Outage, OutageBoard, OutageExtent } from './faults.js';
import { SelectorError } from './selector.js';
import type { LokiState, StoredEntry } from './state.js';

/** The paths that are no Loki's: how a process of its own is looked into and disturbed. */
export const CONTROL = '/_simulator/';

export type OutageRequest = OutageExtent & { readonly outage: Outage };

/**
 *   GET    /_simulator/stats     the counts, JSON
 *   GET    /_simulator/entries   every entry after folding, NDJSON, stamps as text; `?selector=`, `?tenant=`
 *   DELETE /_simulator/entries   loses entries that were accepted; `?limit=` (1), `?selector=`; `{"lost":1}`
 *   GET    /_simulator/requests  the last requests, NDJSON
 *   GET    /_simulator/streams   entries by stream, of a simulator that only counts
 *   POST   /_simulator/outage    lays one: `{"outage":{"status":503},"forRequests":3}`
 *   DELETE /_simulator/outage    lifts all
 *   POST   /_simulator/reset     forgets everything, outages too
 */
export async function control(exchange: Exchange, state: LokiState, outages: OutageBoard): Promise<void> {
  switch (`${exchange.method} ${exchange.url.pathname}`) {
    case 'GET /_simulator/stats':
      exchange.send(json({ ...state.counts(), outagesStruck: outages.struck }));
      return;
    case 'GET /_simulator/streams':
      exchange.send(json(state.countedStreams()));
      return;
    case 'GET /_simulator/requests':
      await exchange.stream(state.requests.kept.map((request) => JSON.stringify(request, plainJson)));
      return;
    case 'GET /_simulator/entries':
      await sendEntries(exchange, state);
      return;
    case 'DELETE /_simulator/entries':
      exchange.send(loseEntries(exchange.url.searchParams, state));
      return;
    case 'POST /_simulator/outage':
      exchange.send(layOutage((await exchange.body()).toString('utf8'), outages));
      return;
    case 'DELETE /_simulator/outage':
      outages.clear();
      exchange.send(NO_CONTENT);
      return;
    case 'POST /_simulator/reset':
      outages.clear();
      state.reset();
      exchange.send(NO_CONTENT);
      return;
    default:
      exchange.send(queryError(404, 'not found\n'));
  }
}

async function sendEntries(exchange: Exchange, state: LokiState): Promise<void> {
  const { searchParams } = exchange.url;
  try {
    const entries = state.entries(
      searchParams.get('selector') ?? undefined,
      searchParams.get('tenant') ?? undefined,
    );
    await exchange.stream(lines(entries));
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    exchange.send(queryError(400, error.message));
  }
}

function loseEntries(parameters: URLSearchParams, state: LokiState): Answer {
  const limit = Number(parameters.get('limit') ?? 1);
  if (!Number.isInteger(limit) || limit < 0) return queryError(400, 'limit: a whole number is wanted\n');
  try {
    return json({ lost: state.lose(limit, parameters.get('selector') ?? undefined) });
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    return queryError(400, error.message);
  }
}

function* lines(entries: Iterable<StoredEntry>): Generator<string> {
  for (const entry of entries) yield JSON.stringify(entry, plainJson);
}

function layOutage(body: string, outages: OutageBoard): Answer {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    request = undefined;
  }
  if (!isOutageRequest(request)) return queryError(400, 'an object with "outage" is wanted\n');
  const { outage, ...extent } = request;
  outages.lay(outage, extent);
  return NO_CONTENT;
}

const NAMED = new Set<unknown>([
  'refuse',
  'reset',
  'hang',
  'reset-after-accept',
  'hang-after-accept',
  'freeze',
]);

function isOutageRequest(value: unknown): value is OutageRequest {
  if (typeof value !== 'object' || value === null || !('outage' in value)) return false;
  const { outage } = value;
  if (NAMED.has(outage)) return true;
  if (typeof outage !== 'object' || outage === null) return false;
  if ('status' in outage) return Number.isInteger(outage.status);
  return 'delayMs' in outage && typeof outage.delayMs === 'number';
}

/** Stamps are too long for a number. */
function plainJson(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Map ? Object.fromEntries(value) : value;
}
