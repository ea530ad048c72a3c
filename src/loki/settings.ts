/** How Pollard talks to one Loki. Times in milliseconds, sizes in bytes; secrets only as paths, or from the environment. */
export interface LokiSettings {
  /** The base (`http://loki:3100`, with a path where a gateway wants one) or the whole push URL. */
  readonly url: string;
  /** X-Scope-OrgID. A stream may have a tenant of its own. */
  readonly tenant?: string;
  readonly basicAuth?: BasicAuthSettings;
  /** Read again when it changes, and when Loki answers 401. */
  readonly bearerTokenFile?: string;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: LokiTlsSettings;
  /** `http://proxy:3128`. */
  readonly proxyUrl?: string;
  readonly encoding: PushEncoding;
  /** A whole request, from the connection to the end of the answer. */
  readonly timeoutMs: number;
  /** Requests under way at once. */
  readonly maxInFlight: number;
  readonly backoff: BackoffSettings;
  readonly limits: LokiLimitSettings;
  /** Whether Loki is asked what it holds before lines are sent again; `auto`: where it may be read. */
  readonly query: 'auto' | 'off';
  /** How long a request that got no answer may still be under way once Loki answers again. */
  readonly settleMs: number;
}

/** protobuf in snappy, or JSON in gzip. */
export type PushEncoding = 'protobuf' | 'json';

export interface BasicAuthSettings {
  readonly username: string;
  /** Read again like the token. One of the two. */
  readonly passwordFile?: string;
  readonly password?: string;
}

/** Paths of PEM files. */
export interface LokiTlsSettings {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name in Loki's certificate, when it is not that of the URL. */
  readonly serverName?: string;
  readonly insecureSkipVerify: boolean;
}

export interface BackoffSettings {
  readonly minMs: number;
  readonly maxMs: number;
  /** Repetitions of a request; 0: for ever. */
  readonly maxRetries: number;
}

/** What is known of Loki's limits. Lines past them are sent apart from the others, never dropped for them. */
export interface LokiLimitSettings {
  /** `max_line_size`, by default 256 KiB. */
  readonly maxLineBytes: number;
  /** `reject_old_samples_max_age`, by default a week. */
  readonly maxAgeMs: number;
  /**
   * Of a request, uncompressed; 3 MiB. Loki refuses what is over its burst (6 MB) with 429 for ever, and over
   * gRPC's 4 MiB with 500 for ever.
   */
  readonly maxRequestBytes: number;
}
