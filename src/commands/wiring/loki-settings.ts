import type { Config } from '../../config/schema.js';
import type { LokiSettings } from '../../loki/settings.js';

/** The section `loki` of the configuration as the client takes it. */
export function lokiSettings(config: Config): LokiSettings {
  const { loki } = config;
  const { basic_auth: basic, tls } = loki;
  return {
    url: loki.url,
    headers: loki.headers,
    encoding: loki.encoding,
    timeoutMs: loki.timeout,
    maxInFlight: loki.max_in_flight,
    backoff: { minMs: loki.backoff.min, maxMs: loki.backoff.max, maxRetries: loki.backoff.max_retries },
    query: loki.query,
    settleMs: loki.settle_time,
    limits: {
      maxLineBytes: loki.limits.max_line_bytes,
      maxAgeMs: loki.limits.max_age,
      maxRequestBytes: loki.limits.max_request_bytes,
    },
    ...present('tenant', loki.tenant),
    ...present('bearerTokenFile', loki.bearer_token_file),
    ...present('proxyUrl', loki.proxy_url),
    ...(basic === undefined
      ? {}
      : {
          basicAuth: {
            username: basic.username,
            ...present('passwordFile', basic.password_file),
            ...present('password', basic.password),
          },
        }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            insecureSkipVerify: tls.insecure_skip_verify,
            ...present('caFile', tls.ca_file),
            ...present('certFile', tls.cert_file),
            ...present('keyFile', tls.key_file),
            ...present('serverName', tls.server_name),
          },
        }),
  };
}

/** Settings that are not set are left out, and not set to undefined. */
function present<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>);
}
