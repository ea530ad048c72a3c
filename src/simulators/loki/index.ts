/** A simulated Loki, as strict as a real 3.5.0 (by option 3.7) with default limits. */
export type { EndpointKind, Outage, OutageExtent, StatusOutage } from './faults.js';
export type { GatewayOptions } from './gateway.js';
export { DEFAULT_LIMITS, type LokiLimits, type LokiVersion } from './limits.js';
export type { LokiRequest } from './request-log.js';
export type { OversizedAnswer } from './router.js';
export { SelectorError } from './selector.js';
export {
  startLokiSimulator,
  type LokiSimulator,
  type LokiSimulatorOptions,
  type TlsOptions,
} from './simulator.js';
export type { LokiCounts, StoredEntry, StreamSummary } from './state.js';
export type { DiscardReason, PushTally } from './tally.js';
