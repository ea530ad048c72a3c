import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../model/logger.js';
import type { HealthReport } from './health.js';

/** Whether the service does its work: cursors loaded, the Engine listed once. */
export interface Readiness {
  readonly ready: boolean;
  /** What it still waits for; empty when ready. */
  readonly reason: string;
}

/** Where the pages come from. */
export interface StatusSources {
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly health: () => HealthReport;
  readonly ready: () => Readiness;
  /** A snapshot for people and programs, as plain values; bigints are printed as text. */
  readonly status: () => unknown;
}

export interface StatusPagesOptions {
  readonly sources: StatusSources;
  readonly logger: Logger;
  /** Whether an Authorization header opens the pages; all are open when left out. */
  readonly authorized?: (header: string | undefined) => boolean;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ALLOWED = 'GET, HEAD';

/**
 * Answers `/metrics`, `/healthz` (503 only when unhealthy: a degraded collector still collects, and to restart it
 * would not help), `/readyz` (503 until ready) and `/status`. Others are 404, methods other than GET and HEAD 405.
 */
export function statusPages(
  options: StatusPagesOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    pageFor(options, request).then(
      (page) => send(request, response, page),
      (error: unknown) => {
        options.logger.warn('a status page could not be made', { path: pathOf(request), error });
        send(request, response, json(500, { error: 'the page could not be made; the log says why' }));
      },
    );
  };
}

async function pageFor({ sources, authorized }: StatusPagesOptions, request: IncomingMessage): Promise<Page> {
  if (authorized?.(request.headers.authorization) === false)
    return { ...json(401, { error: 'a bearer token is needed' }), headers: { 'www-authenticate': 'Bearer' } };

  const make = pages(sources).get(pathOf(request));
  if (!make) return json(404, { error: 'no such page', pages: [...pages(sources).keys()] });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...json(405, { error: `only ${ALLOWED}` }), headers: { allow: ALLOWED, connection: 'close' } };
  return await make();
}

function pages(sources: StatusSources): Map<string, () => Page | Promise<Page>> {
  return new Map<string, () => Page | Promise<Page>>([
    [
      '/metrics',
      async () => {
        const { contentType, text } = await sources.metrics();
        return { status: 200, contentType, body: text };
      },
    ],
    [
      '/healthz',
      () => {
        const report = sources.health();
        return json(report.state === 'unhealthy' ? 503 : 200, report);
      },
    ],
    [
      '/readyz',
      () => {
        const readiness = sources.ready();
        return json(readiness.ready ? 200 : 503, readiness);
      },
    ],
    ['/status', () => json(200, sources.status())],
  ]);
}

function json(status: number, value: unknown): Page {
  const body = JSON.stringify(value, (_key, held: unknown) =>
    typeof held === 'bigint' ? held.toString() : held,
  );
  return { status, contentType: 'application/json; charset=utf-8', body: `${body}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, page: Page): void {
  const body = Buffer.from(page.body);
  response.writeHead(page.status, {
    'content-type': page.contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...page.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] as string;
}
