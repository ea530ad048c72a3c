import { parse } from 'yaml';
import type { LokiTransport } from '../loki/transport.js';
import { NS_PER_MS, type Nanoseconds } from '../model/nanoseconds.js';

/** What a Loki tells of itself, as far as reading back needs it. What it does not tell is left out. */
export interface LokiFacts {
  /** `max_entries_limit_per_query` */
  readonly maxEntries?: number;
  /** `max_query_length`, ns */
  readonly maxQueryLength?: Nanoseconds;
  /** What is older is not shown, ns: `max_query_lookback`, or `retention_period` where the compactor obeys it. */
  readonly shownFor?: Nanoseconds;
  /** What is older is refused, ns: `reject_old_samples_max_age`; `ever` without `reject_old_samples`. */
  readonly acceptsFor?: Nanoseconds | 'ever';
}

interface Config {
  readonly limits_config?: {
    readonly max_entries_limit_per_query?: unknown;
    readonly max_query_length?: unknown;
    readonly max_query_lookback?: unknown;
    readonly retention_period?: unknown;
    readonly reject_old_samples?: unknown;
    readonly reject_old_samples_max_age?: unknown;
  };
  readonly compactor?: { readonly retention_enabled?: unknown };
}

/**
 * Asks for `/config`, which shows the general limits, and no tenant's. Gateways seldom let it through: nothing is
 * then known, and limits are learned from Loki's refusals.
 */
export async function readLokiFacts(transport: LokiTransport, signal: AbortSignal): Promise<LokiFacts> {
  let config: Config | null;
  try {
    const answer = await transport.get('/config', { timeoutMs: 10_000 }, signal);
    if (answer.status !== 200) return {};
    config = parse(answer.body) as Config | null;
  } catch {
    signal.throwIfAborted();
    return {};
  }
  if (typeof config !== 'object' || config === null) return {};
  const { limits_config: limits = {}, compactor = {} } = config;
  const { max_entries_limit_per_query: max, retention_period: retention } = limits;
  const shown = [
    lengthOf(limits.max_query_lookback),
    compactor.retention_enabled === true ? lengthOf(retention) : undefined,
  ].filter((length) => length !== undefined);
  const maxQueryLength = lengthOf(limits.max_query_length);
  const acceptsFor =
    limits.reject_old_samples === false ? 'ever' : lengthOf(limits.reject_old_samples_max_age);
  return {
    ...(typeof max === 'number' && max > 0 ? { maxEntries: max } : {}),
    ...(maxQueryLength === undefined ? {} : { maxQueryLength }),
    ...(acceptsFor === undefined ? {} : { acceptsFor }),
    ...(shown.length === 0 ? {} : { shownFor: shown.reduce((a, b) => (a < b ? a : b)) }),
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** A length of time as Prometheus and Go print it (`30d1h`, `721h0m0s`), ns; undefined for none: 0 is off. */
function lengthOf(text: unknown): Nanoseconds | undefined {
  if (typeof text !== 'string' || !/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    ms += Number(count) * (UNITS_MS[unit as string] as number);
  }
  return ms === 0 ? undefined : BigInt(ms) * NS_PER_MS;
}
