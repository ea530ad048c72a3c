import { CUTTING_SETTINGS } from '../../collector/cut-off.js';
import type { Config } from '../../config/schema.js';
import type { Clock } from '../../model/clock.js';
import { NS_PER_SECOND } from '../../model/nanoseconds.js';
import { Health, type HealthChange } from '../../observe/health.js';
import { healthLog } from '../../observe/health-log.js';
import { createLogger, type ClosableLogger, type LoggerOptions } from '../../observe/logger.js';
import { createMetrics, type Metrics } from '../../observe/metrics.js';
import { RateLimitedLogger } from '../../observe/rate-limit.js';
import { DEFAULT_RESOURCE_WATCH, type ResourceWatchSettings } from '../../observe/resource-rules.js';
import { version } from '../version.js';
import { knownSecrets } from './known-secrets.js';

/** What tells of the process. */
export interface ObserveParts {
  readonly logger: ClosableLogger;
  /** Says equal warnings and errors once and counts the others. */
  readonly limited: RateLimitedLogger;
  readonly metrics: Metrics;
  readonly health: Health;
}

/** Shown as 0 before they first happen. */
const REJECT_REASONS = [
  'too-old',
  'too-far-behind',
  'too-new',
  'line-too-long',
  'stream',
  'too-large',
  'other',
];
const ENGINE_ERRORS = [
  'engine_unreachable',
  'engine_timeout',
  'engine_reset',
  'engine_server_error',
  'log_daemon_error',
  'log_truncated',
  'log_stalled',
  'log_too_large',
  'engine_answer_too_large',
];

/** For a command that ends by itself: what goes wrong is told where it does, and no health is waited for. */
export const silently = (): void => undefined;

/**
 * @param logger default: as the section `log` says, on standard error
 * @param told of each change of a part's health; default: the log
 */
export function observeParts(
  config: Config,
  clock: Clock,
  logger: ClosableLogger = standardLogger(config, clock),
  told: (change: HealthChange) => void = healthLog(logger),
): ObserveParts {
  const { repeat_interval: repeatInterval } = config.log;
  const limited = new RateLimitedLogger({ logger, clock, repeatInterval });
  const metrics = createMetrics({
    version,
    startedAt: Number(clock.now() / NS_PER_SECOND),
    rejectReasons: REJECT_REASONS,
    engineErrorKinds: ENGINE_ERRORS,
    cuttingSettings: CUTTING_SETTINGS,
  });
  const health: Health = new Health(clock, (change) => {
    told(change);
    metrics.health(health.report());
  });
  metrics.health(health.report());
  return { logger, limited, metrics, health };
}

/**
 * The logger as the section `log` says.
 *
 * @param stream default: standard error
 */
export function standardLogger(
  config: Config,
  clock: Clock,
  stream?: LoggerOptions['stream'],
): ClosableLogger {
  const { level, format } = config.log;
  const secrets = knownSecrets(config);
  return createLogger({ level, format, secrets, clock, ...(stream === undefined ? {} : { stream }) });
}

const MIB = 1024 * 1024;

/** The section `resources` of the configuration as the resource watch takes it. */
export function resourceWatchSettings({ resources }: Config): ResourceWatchSettings {
  const memory = resources.memory_growth_mib;
  return {
    ...DEFAULT_RESOURCE_WATCH,
    window: resources.window / 1000,
    warmUp: resources.warm_up / 1000,
    minSpan: Math.min(DEFAULT_RESOURCE_WATCH.minSpan, resources.window / 2000),
    liveGrowth: resources.live_growth,
    liveBaseline: resources.live_baseline,
    openFds: resources.open_fds,
    memoryGrowth: { degraded: memory.degraded * MIB, unhealthy: memory.unhealthy * MIB },
    lokiSuccess: resources.loki_success,
  };
}
