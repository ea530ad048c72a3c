import type { IncomingHttpHeaders } from 'node:http';
import { gatewayPage, type Answer } from './answer.js';

/** What stands before Loki, such as an nginx: it asks who comes, and limits bodies; Loki does neither. */
export interface GatewayOptions {
  readonly basic?: { readonly user: string; readonly password: string };
  readonly bearer?: string;
  /** Larger bodies are answered 413 (nginx client_max_body_size). */
  readonly maxBodyBytes?: number;
  /** A Retry-After on Loki's 429 and 503: Loki itself never sends one. */
  readonly retryAfter?: string;
}

/** Lets a request through (undefined) or answers it. */
export function admit(gateway: GatewayOptions, headers: IncomingHttpHeaders): Answer | undefined {
  const { basic, bearer } = gateway;
  const wanted: string[] = [];
  if (basic !== undefined) {
    wanted.push(`Basic ${Buffer.from(`${basic.user}:${basic.password}`).toString('base64')}`);
  }
  if (bearer !== undefined) wanted.push(`Bearer ${bearer}`);
  if (wanted.length === 0 || wanted.includes(headers.authorization ?? '')) return undefined;
  const challenge = basic === undefined ? 'Bearer' : 'Basic realm="Loki"';
  return gatewayPage(401, { 'www-authenticate': challenge });
}

/** Adds what the gateway adds to an answer of Loki. */
export function passOn(gateway: GatewayOptions, answer: Answer): Answer {
  if (gateway.retryAfter === undefined || (answer.status !== 429 && answer.status !== 503)) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': gateway.retryAfter } };
}
