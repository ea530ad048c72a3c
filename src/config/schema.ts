import * as z from 'zod';
import {
  bytes,
  choice,
  duration,
  integer,
  list,
  map,
  number,
  parseDuration,
  text,
  toggle,
} from './values.js';

/**
 * Every setting there is, key for key as in the YAML file: what it is, what is allowed, and what holds when it is
 * not set; of those without a default (or with an empty one) an example. The printed reference, the flags and the
 * environment variables are all made from this. What must hold between settings is in order.ts and checks.ts.
 */

/** @param example a path that the reference shows */
const file = (example: string) => text('the path of a file').optional().meta({ example });

const collector = z.strictObject({
  enabled: toggle()
    .default(true)
    .describe('Collect at all. Off: the service runs, answers, and polls nothing.'),
  state_dir: text('the path of a directory')
    .default('/var/lib/pollard')
    .describe(
      'Where the cursors, the lock and the rejected lines are kept. On a disk, and on a named volume in a container.',
    ),
  host: text()
    .optional()
    .describe('The label `host`. Not set: the host name of the machine or container.')
    .meta({ example: 'node-1' }),
});

const startAllowed = 'end, beginning, or a duration such as 1h to look back';
const start = z
  .string({ error: startAllowed })
  .transform((written, context) => {
    if (written === 'end' || written === 'beginning') return written;
    const ms = parseDuration(written);
    if (ms !== undefined && ms > 0) return { backMs: ms };
    context.addIssue({ code: 'custom', message: startAllowed });
    return z.NEVER;
  })
  .meta({ allowed: startAllowed, kind: 'start' })
  .default('beginning')
  .describe(
    'Where a container without a cursor is begun: end, beginning, or so far back. One born after the collector started is always read from its beginning.',
  );

const docker = z.strictObject({
  host: text('an address such as unix:///var/run/docker.sock or tcp://host:2376')
    .default('unix:///var/run/docker.sock')
    .describe('The Engine. DOCKER_HOST sets it too.'),
  tls: z
    .strictObject({
      ca_file: file('/etc/pollard/docker/ca.pem').describe(
        "PEM file with the authority of the Engine's certificate.",
      ),
      cert_file: file('/etc/pollard/docker/cert.pem').describe('PEM file with our certificate.'),
      key_file: file('/etc/pollard/docker/key.pem').describe('PEM file with the key of our certificate.'),
      server_name: text()
        .optional()
        .describe("The name in the Engine's certificate, when it is not the host's.")
        .meta({ example: 'engine.example.com' }),
    })
    .optional()
    .describe('TLS for tcp://. DOCKER_TLS_VERIFY with DOCKER_CERT_PATH sets it too.'),
  timeout: duration('1s', '10m')
    .default(30_000)
    .describe('For one ping, list, inspect or look at the events.'),
  max_answer_bytes: bytes('64KiB', '1GiB')
    .default(64 * 1024 ** 2)
    .describe('A longer answer to these (not to logs) is cut off as an error.'),
});

const discovery = z.strictObject({
  list_interval: duration('1s', '1h')
    .default(30_000)
    .describe(
      'Between two complete lists of the containers; while events are missing, at least a sixth of it.',
    ),
  events_interval: duration('100ms', '1m')
    .default(1000)
    .describe(
      'Between two looks at the events, which tell of starts and ends at once; at least 5s after 5 idle minutes.',
    ),
  forget_after: duration('1m', '365d')
    .default(24 * 3_600_000)
    .describe('How long the cursor of a removed container is kept.'),
});

const globs = () =>
  list(
    text('a name, in which * stands for any text and ? for one character'),
    'a list of names, in which * stands for any text and ? for one character',
  ).default([]);

const containers = z.strictObject({
  include: globs().describe('Only containers whose name matches one of these. Empty: all.').meta({
    example: "['web-*', db]",
  }),
  exclude: globs().describe('Not those whose name matches one of these.').meta({ example: "['*-debug']" }),
  opt_in: toggle()
    .default(false)
    .describe(
      'Only containers with the label pollard.enable=true. A label pollard.enable=false always excludes.',
    ),
  self: toggle().default(false).describe('Collect the container that Pollard itself runs in.'),
});

const poll = z.strictObject({
  interval: duration('100ms', '1h').default(5000).describe('Between two polls of a container.'),
  adaptive: toggle()
    .default(true)
    .describe('Poll busy and young containers sooner and idle ones later. Off: always at poll.interval.'),
  min_interval: duration('50ms', '1h')
    .default(500)
    .describe('The shortest interval of busy and young containers.'),
  max_interval: duration('100ms', '24h').default(15_000).describe('The longest interval of idle containers.'),
  jitter: number(0, 0.5).default(0.1).describe('Spreads each interval by up to this part of it, either way.'),
  concurrency: integer(1, 50).default(10).describe('Polls at a time.'),
  deadline: duration('1s', '1h')
    .default(60_000)
    .describe('For one poll; it grows for a log that needs longer.'),
  idle_timeout: duration('1s', '10m')
    .default(30_000)
    .describe('A poll is given up when the Engine sends nothing for so long.'),
  window: toggle()
    .default(true)
    .describe(
      'Ask for the last entries only (tail), as many as may be new. Off: each poll reads from the cursor time on, which costs the Engine the whole log.',
    ),
  anchor: integer(2, 32).default(32).describe('Entries by which a place in a log is recognised.'),
  overlap: duration('0', '1h').default(2000).describe('How far before the cursor each poll begins to look.'),
  verify_every: integer(1, 1000)
    .default(20)
    .describe(
      'An idle container is looked at closely (is its last entry the one delivered last?) every so many polls.',
    ),
  max_frame_bytes: bytes('64KiB', '256MiB')
    .default(4 * 1024 ** 2)
    .describe('A longer entry of the Engine is cut off as an error.'),
});

const lines = z.strictObject({
  max_bytes: bytes('1KiB', '16MiB')
    .default(256 * 1024)
    .describe(
      'A longer line is delivered in pieces of at most so many bytes, 1 ns apart. As max_line_size of Loki, or lower.',
    ),
  open_max_age: duration('1s', '1h')
    .default(30_000)
    .describe('Of a line that its process does not end for so long, what there is is delivered as a piece.'),
  equal_stamps: choice(['keep', 'shift'])
    .default('keep')
    .describe(
      'Loki folds equal lines of one nanosecond (journald has microseconds). shift: the later ones are moved by 1 ns each, the same way at every replay. Those of whole seconds, as from Podman, are moved in any case.',
    ),
});

const gaps = z.strictObject({
  marker: toggle()
    .default(true)
    .describe(
      "Put a line into the container's own stream where lines were lost, or may have been, before they could be read.",
    ),
});

const memory = z.strictObject({
  max_in_flight: bytes('1MiB', '4GiB')
    .default(16 * 1024 ** 2)
    .describe('Bytes read that may wait for Loki, over all polls. When it is used up, reading stops.'),
});

/** The labels of every stream beside `stream`, as far as they are known of its container. */
export const DEFAULT_LABELS = [
  'container',
  'image',
  'host',
  'compose_project',
  'compose_service',
  'job',
] as const;

const labels = z.strictObject({
  job: text().default('docker').describe('The label `job`.'),
  static: map('a map of texts by the name of the label', 'a text')
    .default({})
    .describe('Labels for every stream, as name: value. They take the place of others of the same name.')
    .meta({ example: '{ env: prod }' }),
  drop: list(choice(DEFAULT_LABELS), `a list of some of ${DEFAULT_LABELS.join(', ')}`)
    .default([])
    .describe('Labels to leave out of those that are there by default.')
    .meta({ example: '[image]' }),
  from_container: map(
    'a map of the names of container labels by the name of the label in Loki',
    'the name of a label of the container',
  )
    .default({})
    .describe("Labels taken from the container's own, as name: container label.")
    .meta({ example: '{ team: com.example.team }' }),
  structured_metadata: toggle()
    .default(true)
    .describe(
      'Structured metadata: container_id with each line, line_* with pieces. Off for Loki before 3, or schema before v13.',
    ),
});

const loki = z.strictObject({
  url: text('a URL such as http://loki:3100')
    .default('http://127.0.0.1:3100')
    .describe('The base of Loki, or the whole push URL.'),
  tenant: text().optional().describe('The tenant, sent as X-Scope-OrgID.').meta({ example: 'my-team' }),
  basic_auth: z
    .strictObject({
      username: text().describe('The user.').meta({ example: 'pollard' }),
      password_file: file('/etc/pollard/loki-password').describe(
        'A file with the password; read again when it changes.',
      ),
      password: text()
        .optional()
        .describe('The password itself. Better in the environment or in password_file.')
        .meta({ secret: true, example: 'change-me' }),
    })
    .optional()
    .describe('Basic authentication: a username and either password_file or password.'),
  bearer_token_file: file('/etc/pollard/loki-token').describe(
    'A file with a bearer token, instead of basic_auth; read again when it changes.',
  ),
  headers: map('a map of texts by the name of the header', 'a text')
    .default({})
    .describe('Sent with each request, as name: value.')
    .meta({ secret: true, example: '{ X-Gateway-Key: change-me }' }),
  tls: z
    .strictObject({
      ca_file: file('/etc/pollard/loki/ca.pem').describe(
        "PEM file with the authority of Loki's certificate.",
      ),
      cert_file: file('/etc/pollard/loki/cert.pem').describe('PEM file with our certificate.'),
      key_file: file('/etc/pollard/loki/key.pem').describe('PEM file with the key of our certificate.'),
      server_name: text()
        .optional()
        .describe("The name in Loki's certificate, when it is not that of the URL.")
        .meta({ example: 'loki.example.com' }),
      insecure_skip_verify: toggle()
        .default(false)
        .describe('Take any certificate. Only to look for a fault.'),
    })
    .optional()
    .describe('TLS for https://.'),
  proxy_url: text('a URL such as http://proxy:3128')
    .optional()
    .describe('An HTTP proxy.')
    .meta({ secret: true, example: 'http://proxy:3128' }),
  encoding: choice(['protobuf', 'json']).default('protobuf').describe('protobuf in snappy, or JSON in gzip.'),
  timeout: duration('1s', '10m')
    .default(30_000)
    .describe('For one push, from the connection to the end of the answer.'),
  max_in_flight: integer(1, 64).default(4).describe('Pushes under way at once.'),
  batch: z
    .strictObject({
      max_bytes: bytes('16KiB', '3MiB')
        .default(2 * 1024 ** 2)
        .describe('A batch of this size is sent. Uncompressed.'),
      max_age: duration('100ms', '1m').default(1000).describe('A batch is sent after so long, full or not.'),
    })
    .prefault({})
    .describe('What goes into one push.'),
  backoff: z
    .strictObject({
      min: duration('10ms', '1m')
        .default(500)
        .describe('The bound of the first random wait after a failure; it doubles each time.'),
      max: duration('100ms', '1h').default(30_000).describe('The largest wait.'),
      max_retries: integer(0, 1_000_000)
        .default(0)
        .describe('Repetitions of one push; 0: for ever. For one-shot commands.'),
    })
    .prefault({})
    .describe('Repetition of what may heal: 429, 5xx, no answer.'),
  limits: z
    .strictObject({
      max_line_bytes: bytes('1KiB', '16MiB')
        .default(256 * 1024)
        .describe('max_line_size of Loki.'),
      max_age: duration('1m', '3650d')
        .default(7 * 86_400_000)
        .describe('reject_old_samples_max_age of Loki, where its refusals do not name it.'),
      max_span: duration('1m', '24h')
        .default(50 * 60_000)
        .describe(
          'How far stamps of unacknowledged lines of a stream may lie apart. Under half of max_chunk_age of Loki.',
        ),
      max_request_bytes: bytes('64KiB', '3500KiB')
        .default(3 * 1024 ** 2)
        .describe('Of one push, uncompressed. Loki refuses 4 MiB with 500 for ever.'),
    })
    .prefault({})
    .describe(
      "What is known of Loki's limits. Lines past them are sent apart; what Loki then refuses is reported.",
    ),
  query: choice(['auto', 'off'])
    .default('auto')
    .describe('Before lines are sent again, ask Loki which of them it holds. auto: wherever it may be read.'),
  settle_time: duration('0', '10m')
    .default(3000)
    .describe('For how long Loki answers again, after it did not, before it is asked what it holds.'),
  too_new_patience: duration('0', '24h')
    .default(15 * 60_000)
    .describe(
      "How long lines that are too new for Loki's clock wait in Docker's log, before they count as refused.",
    ),
  outage_grace: duration('0', '10m')
    .default(10_000)
    .describe('How long a poll under way waits for Loki before its connection to the Engine is given up.'),
});

const rejected = z.strictObject({
  file: file('/var/lib/pollard/rejected.jsonl').describe(
    'Where lines go that Loki refuses, with its reason. Not set: rejected.jsonl in collector.state_dir.',
  ),
  max_bytes: bytes('64KiB', '64GiB')
    .default(64 * 1024 ** 2)
    .describe(
      'Of that file, an older one beside it (.1) and a summary (.summary.json) together. Past it refused lines are counted and not stored; nothing stored is removed.',
    ),
});

const backfill = z.strictObject({
  label: text('the name of a label')
    .default('backfill')
    .describe(
      'The label of streams for lines that are too old for the live stream. Its value is the name of the run.',
    ),
  rate: bytes('1KiB', '1GiB')
    .default(2 * 1024 ** 2)
    .describe(
      "Bytes a second that a backfill sends at most: half of Loki's default limit of a tenant, so that the service keeps its share.",
    ),
  concurrency: integer(1, 64).default(2).describe('Containers that a backfill reads at the same time.'),
});

const shutdown = z.strictObject({
  timeout: duration('0', '10m').default(30_000).describe('For flushing and committing after SIGTERM.'),
});

const status = z.strictObject({
  enabled: toggle().default(true).describe('Answer /metrics, /healthz, /readyz and /status.'),
  listen: text('host:port').default('127.0.0.1:9473').describe('Where.'),
  token_file: file('/etc/pollard/status-token').describe(
    'A file with a bearer token that every page then asks for.',
  ),
  tls: z
    .strictObject({
      cert_file: text('the path of a file')
        .describe('PEM file with the certificate.')
        .meta({ example: '/etc/pollard/status/cert.pem' }),
      key_file: text('the path of a file')
        .describe('PEM file with its key.')
        .meta({ example: '/etc/pollard/status/key.pem' }),
    })
    .optional()
    .describe('Serve the pages with TLS.'),
});

const metrics = z.strictObject({
  textfile: text('the path of a directory')
    .optional()
    .describe(
      "Directory of node_exporter's textfile collector. catch-up, backfill and verify write the result of each run there.",
    )
    .meta({ example: '/var/lib/prometheus/node-exporter' }),
});

const log = z.strictObject({
  level: choice(['error', 'warn', 'info', 'debug']).default('info').describe('What is said.'),
  format: choice(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('auto: pretty on a terminal, else json.'),
  repeat_interval: duration('1s', '1h')
    .default(60_000)
    .describe('Equal warnings and errors are said once, then counted and said once in this time.'),
});

const levels = (what: string, degraded: number, unhealthy: number, max: number, beyond = 'Over') =>
  z
    .strictObject({
      degraded: number(0, max).default(degraded).describe(`${beyond} this it is degraded.`),
      unhealthy: number(0, max).default(unhealthy).describe(`${beyond} this it is unhealthy.`),
    })
    .prefault({})
    .describe(what);

const resources = z.strictObject({
  interval: duration('1s', '10m').default(10_000).describe('Between two samples of the own resources.'),
  window: duration('1m', '24h').default(600_000).describe('How far back they are judged.'),
  warm_up: duration('0', '1h').default(120_000).describe('Nothing is judged by its growth before.'),
  live_growth: levels('Live resources (sockets, timers, requests) more, a minute.', 2, 10, 1_000_000),
  live_baseline: levels('Live resources that are always there.', 100, 500, 1_000_000),
  open_fds: levels('Open file descriptors, as a part of the limit.', 0.2, 0.8, 1),
  memory_growth_mib: levels('Resident memory more, MiB a minute.', 4, 32, 1_000_000),
  loki_success: levels('Pushes that succeed, as a part of all.', 0.99, 0, 1, 'Below'),
});

export const configSchema = z.strictObject({
  collector: collector.prefault({}).describe('The process.'),
  start,
  docker: docker.prefault({}).describe('The Docker Engine.'),
  discovery: discovery.prefault({}).describe('How containers are found.'),
  containers: containers.prefault({}).describe('Which containers are collected.'),
  poll: poll.prefault({}).describe('How their logs are read.'),
  lines: lines.prefault({}).describe('What becomes a line.'),
  gaps: gaps.prefault({}).describe('Lines lost before they could be read.'),
  memory: memory.prefault({}).describe('Bounds.'),
  labels: labels.prefault({}).describe("The labels of a container's streams in Loki."),
  loki: loki.prefault({}).describe('Where lines go.'),
  rejected: rejected.prefault({}).describe('Lines that Loki refuses.'),
  backfill: backfill.prefault({}).describe('pollard backfill.'),
  shutdown: shutdown.prefault({}).describe('The end.'),
  status: status.prefault({}).describe('The status page.'),
  metrics: metrics.prefault({}).describe('Metrics of one-shot commands.'),
  log: log.prefault({}).describe("Pollard's own log, on standard error."),
  resources: resources.prefault({}).describe('What Pollard holds itself, and when that is too much.'),
});

/** The configuration, checked and complete: keys as in the YAML file, durations in ms, sizes in bytes. */
export type Config = z.output<typeof configSchema>;
