import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../model/clock.js';
import type { Logger } from '../model/logger.js';
import type { HealthReport } from './health.js';
import { SharedPage } from './shared-page.js';

/** Whether the service does its work: cursors loaded, the Engine listed, and Loki heard from, once. */
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
  readonly clock: Clock;
  /** Whether an Authorization header opens the pages; all are open when left out. */
  readonly authorized?: (header: string | undefined) => boolean;
  /** Called before the answer is sent. @param bytes of its body */
  readonly onSend?: (response: ServerResponse, bytes: number) => void;
  /** Aborts when no page is wanted any more. */
  readonly life: AbortSignal;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  /** Of a page that is shared by many answers, the same one for all of them. */
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

type Pages = ReadonlyMap<string, () => Page | Promise<Page>>;

const ALLOWED = 'GET, HEAD';

/**
 * Answers `/metrics`, `/healthz` (503 only when unhealthy: a degraded collector still collects, and to restart it
 * would not help), `/readyz` (503 until ready) and `/status`. Others are 404, methods other than GET and HEAD 405.
 */
export function statusPages(
  options: StatusPagesOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { logger, life, onSend } = options;
  const pages = pagesOf(options);
  const send = (request: IncomingMessage, response: ServerResponse, page: Page): void => {
    const body = request.method === 'HEAD' ? undefined : page.body;
    onSend?.(response, body?.length ?? 0);
    sendPage(response, page, body);
  };
  return (request, response) => {
    pageFor(options, pages, request).then(
      (page) => send(request, response, page),
      (error: unknown) => {
        if (life.aborted) {
          send(request, response, json(503, { error: 'the service is being stopped' }));
          return;
        }
        logger.warn('a status page could not be made', { path: pathOf(request), error });
        send(request, response, json(500, { error: 'the page could not be made; the log says why' }));
      },
    );
  };
}

async function pageFor(
  { authorized }: StatusPagesOptions,
  pages: Pages,
  request: IncomingMessage,
): Promise<Page> {
  // Before anything else is done. Who guesses at it has a new connection to make for each try.
  if (authorized?.(request.headers.authorization) === false) {
    const headers = { 'www-authenticate': 'Bearer', connection: 'close' };
    return { ...json(401, { error: 'a bearer token is needed' }), headers };
  }
  const make = pages.get(pathOf(request));
  if (!make) return json(404, { error: 'no such page', pages: [...pages.keys()] });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...json(405, { error: `only ${ALLOWED}` }), headers: { allow: ALLOWED, connection: 'close' } };
  return await make();
}

/** Those whose making costs something are shared by all who ask for them at the time. */
function pagesOf({ sources, clock, life }: StatusPagesOptions): Pages {
  const metrics = new SharedPage<Page>(
    async () => {
      const { contentType, text } = await sources.metrics();
      return { status: 200, contentType, body: Buffer.from(text) };
    },
    clock,
    life,
  );
  const status = new SharedPage<Page>(() => json(200, sources.status()), clock, life);
  return new Map<string, () => Page | Promise<Page>>([
    ['/metrics', () => metrics.get()],
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
    ['/status', () => status.get()],
  ]);
}

function json(status: number, value: unknown): Page {
  const body = JSON.stringify(value, (_key, held: unknown) =>
    typeof held === 'bigint' ? held.toString() : held,
  );
  return { status, contentType: 'application/json; charset=utf-8', body: Buffer.from(`${body}\n`) };
}

function sendPage(response: ServerResponse, page: Page, body: Buffer | undefined): void {
  response.writeHead(page.status, {
    'content-type': page.contentType,
    'content-length': page.body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...page.headers,
  });
  response.end(body);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] as string;
}
