import type { Config } from '../../config/schema.js';

/** A one-shot command must end although Loki is away: after so many repetitions, if the settings name none. */
const RETRIES = 10;

/** The configuration for a command that ends by itself. */
export function withBoundedRetries(config: Config): Config {
  const { backoff } = config.loki;
  if (backoff.max_retries > 0) return config;
  return { ...config, loki: { ...config.loki, backoff: { ...backoff, max_retries: RETRIES } } };
}
