import * as z from 'zod';
import { PollardError } from '../../model/errors.js';
import type { StatusAnswer } from './status-client.js';

/** Fields that a service of another version does not tell are left out, and not guessed. */
const part = z.object({
  state: z.enum(['healthy', 'degraded', 'unhealthy']),
  reason: z.string().default(''),
  since: z.string(),
});

const container = z.object({
  name: z.string(),
  id: z.string().default(''),
  image: z.string().default(''),
  state: z.string().default(''),
  life: z.string().default('active'),
  polled_seconds_ago: z.number().nullable().default(null),
  lag_seconds: z.number().nullable().default(null),
  last_line_seconds_ago: z.number().nullable().default(null),
  lines: z.number().default(0),
  lines_per_minute: z.number().default(0),
  rejected: z.number().default(0),
  gaps: z.number().default(0),
  possible_gaps: z.number().default(0),
  missed: z.boolean().default(false),
  window: z
    .union([z.number(), z.literal('whole')])
    .nullable()
    .default(null),
  failures: z.number().default(0),
  last_error: z.string().nullable().default(null),
});

const snapshot = z.object({
  version: z.string(),
  pid: z.number(),
  started: z.string(),
  collecting: z.boolean().default(true),
  engine: z
    .object({ api_version: z.string(), engine_version: z.string().nullable().default(null) })
    .nullable()
    .default(null),
  engine_sockets: z.number().default(0),
  active_polls: z.number().default(0),
  memory_in_flight: z.number().default(0),
  resources: z
    .object({
      fds: z.number().nullable(),
      fd_limit: z.number().nullable(),
      rss: z.number(),
      live: z.number(),
    })
    .nullable()
    .default(null),
  totals: z
    .object({
      lines: z.number(),
      bytes: z.number(),
      rejected: z.number(),
      gaps: z.number(),
      possible_gaps: z.number().default(0),
      missed: z.number(),
    })
    .nullable()
    .default(null),
  missed: z.array(z.object({ name: z.string(), reason: z.string(), at: z.string() })).default([]),
  loki: z.object({
    kind: z.enum(['ok', 'retrying', 'halted', 'failed']),
    since: z.string(),
    reason: z.string().default(''),
    hint: z.string().default(''),
    setting: z.string().nullable().default(null),
  }),
  health: part.extend({ parts: z.record(z.string(), part) }),
  containers: z.array(container),
});

/** What the page `/status` of a service says. */
export type StatusSnapshot = z.output<typeof snapshot>;
export type ContainerSnapshot = StatusSnapshot['containers'][number];

/**
 * Reads the answer to `/status`.
 *
 * @throws PollardError `status_denied`, `status_not_pollard`
 */
export function readSnapshot({ status, body, url }: StatusAnswer): StatusSnapshot {
  if (status === 401) {
    throw new PollardError('status_denied', `${url} asks for another token`, {
      setting: 'status.token_file',
      hint: 'was the token changed? the service asks for the new one after a restart',
    });
  }
  const parsed = snapshot.safeParse(status === 200 ? json(body) : undefined);
  if (parsed.success) return parsed.data;
  throw new PollardError('status_not_pollard', `what answers at ${url} is no Pollard (status ${status})`, {
    setting: 'status.listen',
    hint: 'status.listen must be the one of the running service, and of the same version',
  });
}

function json(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
