import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import { json, queryError, type Answer } from './answer.js';
import { toRecord } from './labels.js';
import type { StoredStream } from './log-store.js';
import { countEntries, countOfStreams, readCountQuery } from './count-query.js';
import { answerBytes, findEntries, presentStreams, readBounds, readRangeQuery } from './query.js';
import { parseSelector, SelectorError, type StreamMatcher } from './selector.js';
import type { Tenant } from './tenants.js';

/** The answer is too large for the message from querier to frontend: it never comes. */
export const TOO_LARGE = Symbol('too large');

/** `GET /loki/api/v1/query_range`, of log streams. */
export function queryRange(
  tenant: Tenant,
  parameters: URLSearchParams,
  encodingFlags: string | undefined,
  now: Nanoseconds,
): Answer | typeof TOO_LARGE {
  return orRefuse(() => {
    const found = findEntries(tenant.store.streams(), readRangeQuery(parameters, now, tenant.limits));
    if (answerBytes(found) > tenant.limits.grpcMaxMessageBytes) return TOO_LARGE;
    const categorize = encodingFlags?.split(',').includes('categorize-labels') ?? false;
    return json({
      status: 'success',
      data: {
        resultType: 'streams',
        ...(categorize && { encodingFlags: ['categorize-labels'] }),
        result: presentStreams(found, categorize),
        stats: {},
      },
    });
  });
}

/**
 * `GET /loki/api/v1/query`, of `sum(count_over_time(...))` alone. Every copy of an entry counts.
 *
 * @param counted entries by labels, of a simulator that only counts: whatever their timestamps
 */
export function queryCount(
  tenant: Tenant,
  parameters: URLSearchParams,
  now: Nanoseconds,
  counted?: Readonly<Record<string, number>>,
): Answer {
  return orRefuse(() => {
    const query = readCountQuery(parameters, now, tenant.limits);
    const count =
      counted === undefined ? countEntries(tenant.store.streams(), query) : countOfStreams(counted, query);
    const at = Number(query.end / NS_PER_MS) / 1000;
    // Nothing is counted where nothing is found: then there is no sample either.
    const result = count === 0 ? [] : [{ metric: {}, value: [at, String(count)] }];
    return json({ status: 'success', data: { resultType: 'vector', result, stats: {} } });
  });
}

/** `GET /loki/api/v1/labels`: names in use, none if there is nothing. */
export function labelNames(tenant: Tenant, parameters: URLSearchParams): Answer {
  return orRefuse(() => {
    const names = matching(tenant, selectorOf(parameters)).flatMap(({ labels }) =>
      labels.map(({ name }) => name),
    );
    return listed(names);
  });
}

/** `GET /loki/api/v1/label/{name}/values`. */
export function labelValues(tenant: Tenant, name: string, parameters: URLSearchParams): Answer {
  return orRefuse(() => {
    const values = matching(tenant, selectorOf(parameters)).flatMap(({ labels }) =>
      labels.filter((label) => label.name === name).map(({ value }) => value),
    );
    return listed(values);
  });
}

/** `GET /loki/api/v1/series`: the label sets of streams with entries between `start` and `end`. */
export function series(tenant: Tenant, parameters: URLSearchParams, now: Nanoseconds): Answer {
  return orRefuse(() => {
    const { start, end } = readBounds(parameters, now);
    const selectors = [...parameters.getAll('match[]'), ...parameters.getAll('match')];
    const all = selectors.length === 0 || selectors.every((text) => /^\s*\{\s*\}\s*$/.test(text));
    const matchers = all ? [() => true] : selectors.map(parseSelector);
    const found = matching(tenant, (labels) => matchers.some((matches) => matches(labels)));
    const data = found
      .filter((stream) => stream.firstFrom(start) < stream.firstFrom(end + 1n))
      .map(({ labels }) => toRecord(labels));
    return json({ status: 'success', data });
  });
}

function selectorOf(parameters: URLSearchParams): StreamMatcher {
  const query = parameters.get('query') ?? '';
  return query === '' ? () => true : parseSelector(query);
}

function matching(tenant: Tenant, matches: StreamMatcher): StoredStream[] {
  return [...tenant.store.streams()].filter(({ labels, size }) => size > 0 && matches(labels));
}

/** An empty list is left out of the answer (pkg/loghttp/labels.go). */
function listed(names: readonly string[]): Answer {
  const data = [...new Set(names)].sort();
  return json(data.length === 0 ? { status: 'success' } : { status: 'success', data });
}

function orRefuse<T>(answer: () => T): T | Answer {
  try {
    return answer();
  } catch (error) {
    if (error instanceof SelectorError) return queryError(400, error.message);
    throw error;
  }
}
