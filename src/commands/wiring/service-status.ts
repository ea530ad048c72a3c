import type { NegotiatedVersion } from '../../docker/version.js';
import type { PushState } from '../../loki/push-state.js';
import { formatStamp } from '../../model/nanoseconds.js';
import type { CountedTotals } from './container-counters.js';

/** The Engine as `/status` shows it; null until a version of its API was agreed. */
export function engineStatus(agreed: NegotiatedVersion | undefined) {
  if (agreed === undefined) return null;
  const { engineVersion, apiVersion, engineApiVersion } = agreed;
  return {
    engine_version: engineVersion ?? null,
    api_version: apiVersion,
    engine_api_version: engineApiVersion,
  };
}

/** Loki as `/status` shows it. */
export function lokiStatus({ kind, since, reason, hint, setting }: PushState) {
  return { kind, since: formatStamp(since), reason, hint, setting: setting ?? null };
}

/** What was counted since the service started, as `/status` shows it. */
export function totalsStatus({ possibleGaps, ...totals }: CountedTotals) {
  return { ...totals, possible_gaps: possibleGaps };
}
