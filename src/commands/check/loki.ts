import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/schema.js';
import { classifyAnswer } from '../../loki/classify.js';
import { encodeEmptyPush } from '../../loki/encode.js';
import { readEndpoint } from '../../loki/endpoint.js';
import { LokiRequestError } from '../../loki/loki-error.js';
import { streamTarget } from '../../loki/stream-target.js';
import { createTransport, type LokiTransport } from '../../loki/transport.js';
import type { Verdict } from '../../loki/verdict.js';
import type { Clock } from '../../model/clock.js';
import { PollardError } from '../../model/errors.js';
import { NS_PER_MS } from '../../model/nanoseconds.js';
import { streamLabels } from '../../pipeline/stream-labels.js';
import { lokiSettings } from '../wiring/loki-settings.js';
import { labelSettings } from '../wiring/pipeline-settings.js';
import { fileCertificates, peerCertificates } from './certificates.js';
import { failedPart, goodPart, warning, type Part, type Trouble } from './part.js';

/** For what is only good to know. */
const ASIDE_MS = 5000;

/**
 * Sends Loki a push without any line, which proves URL, TLS, authorization, tenant and encoding and stores nothing,
 * and asks whether it is ready and which version it is, as far as what stands before it lets that through.
 */
export async function checkLoki(config: Config, clock: Clock, signal: AbortSignal): Promise<Part> {
  const warnings: Trouble[] = [];
  const { tenant } = config.loki;
  const facts: Record<string, unknown> = { url: config.loki.url, tenant: tenant ?? null };
  let transport: LokiTransport | undefined;
  try {
    const { base } = readEndpoint(config.loki.url);
    facts['url'] = base;
    transport = await createTransport(lokiSettings(config));
    warnings.push(...(await certificateWarnings(config, clock, signal)));
    const verdict = await emptyPush(transport, config, clock, signal);
    const readiness = await readinessOf(transport, signal);
    facts['ready'] = readiness ?? null;
    if (verdict.kind !== 'accepted') throw refusal(base, verdict, readiness);
    if (readiness !== undefined && readiness !== 'ready') {
      const message = `it takes pushes and says that it is not ready: ${readiness}`;
      warnings.push(warning('loki_not_ready', message, 'look at the log of Loki', 'loki.url'));
    }
    const version = await versionOf(transport, signal);
    facts['version'] = version ?? null;
    const known = version === undefined ? '' : `Loki ${version}, `;
    const whose = tenant === undefined ? '' : ` for the tenant ${tenant}`;
    const summary = `${base}: ${known}takes pushes${whose} (tried with one that has no line)`;
    return goodPart('loki', summary, { warnings, facts });
  } catch (error) {
    return failedPart('loki', error, 'loki.url', { warnings, facts });
  } finally {
    await transport?.close();
  }
}

async function emptyPush(
  transport: LokiTransport,
  config: Config,
  clock: Clock,
  signal: AbortSignal,
): Promise<Verdict> {
  const imagined = { id: '', name: 'pollard-check', image: '', labels: {}, state: '', created: 0n };
  const labels = streamLabels(imagined, 'stdout', labelSettings(config));
  const target = streamTarget({ labels, containerName: imagined.name });
  const push = await encodeEmptyPush(target, config.loki.encoding);
  const answer = await transport.push(push, undefined, signal);
  return classifyAnswer(answer, Number(clock.now() / NS_PER_MS));
}

function refusal(
  base: string,
  verdict: Exclude<Verdict, { kind: 'accepted' }>,
  readiness: string | undefined,
): PollardError {
  const notReady = readiness === undefined || readiness === 'ready' ? '' : `; it is not ready: ${readiness}`;
  const message = `${base} does not take what is sent: ${verdict.reason}${notReady}`;
  const { hint, setting } =
    verdict.kind === 'retry' || verdict.kind === 'halt' ? verdict : REFUSES_EVERYTHING;
  return new PollardError('loki_refuses', message, { hint, setting: setting ?? 'loki.url', exit: 'loki' });
}

const REFUSES_EVERYTHING = {
  hint: 'even a push without any line is refused: check that loki.url is the one of Loki, and what stands before it',
  setting: 'loki.url',
};

/** `ready`, or what it says instead; undefined: what stands before it does not let the question through. */
async function readinessOf(transport: LokiTransport, signal: AbortSignal): Promise<string | undefined> {
  const answer = await aside(() => transport.get('/ready', { timeoutMs: ASIDE_MS }, signal), signal);
  if (answer === undefined) return undefined;
  const text = answer.body.replaceAll(/\s+/g, ' ').trim();
  if (answer.status === 200 && /^ready$/i.test(text)) return 'ready';
  // Loki's own words; any other answer is a gateway's.
  return answer.status === 503 && !answer.contentType.includes('html') ? text.slice(0, 200) : undefined;
}

/** GET /loki/api/v1/status/buildinfo (Loki HTTP API). */
async function versionOf(transport: LokiTransport, signal: AbortSignal): Promise<string | undefined> {
  const path = '/loki/api/v1/status/buildinfo';
  const answer = await aside(() => transport.get(path, { timeoutMs: ASIDE_MS }, signal), signal);
  if (answer?.status !== 200) return undefined;
  try {
    const { version } = JSON.parse(answer.body) as { readonly version?: unknown };
    return typeof version === 'string' && version !== '' ? version.slice(0, 40) : undefined;
  } catch {
    return undefined;
  }
}

async function aside<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LokiRequestError)) throw error;
    return undefined;
  }
}

/** Through a proxy the certificate is not looked at: only the push itself goes that way. */
async function certificateWarnings(config: Config, clock: Clock, signal: AbortSignal): Promise<Trouble[]> {
  const { url, tls, proxy_url: proxy } = config.loki;
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') return [];
  const cert = tls?.cert_file === undefined ? undefined : await readFile(tls.cert_file);
  const key = tls?.key_file === undefined ? undefined : await readFile(tls.key_file);
  const warnings = fileCertificates('loki.tls.cert_file', tls?.cert_file, cert, clock.now());
  if (tls?.insecure_skip_verify === true) {
    const message = 'any certificate is taken: whoever stands between can read the lines and the password';
    const hint = 'set loki.tls.ca_file instead';
    warnings.push(warning('loki_tls_unverified', message, hint, 'loki.tls.insecure_skip_verify'));
  }
  if (proxy !== undefined) return warnings;
  const peer = {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 443 : Number(port),
    servername: tls?.server_name,
    cert,
    key,
    owner: 'Loki',
    setting: 'loki.url',
  };
  return [...warnings, ...(await peerCertificates(peer, clock.now(), signal))];
}
