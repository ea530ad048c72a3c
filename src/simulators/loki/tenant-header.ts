import { errorText, type Answer } from './answer.js';

/** The tenant of a Loki that knows only one (pkg/loki, auth_enabled: false). */
export const SINGLE_TENANT = 'fake';

/**
 * The tenant of a request. Without `auth_enabled` the header is not looked at; with it, it must be there: 401
 * (dskit middleware AuthenticateUser), and be a name that can be stored under: 400 (dskit tenant.go).
 */
export function tenantOf(authEnabled: boolean, header: string | undefined): string | Answer {
  if (!authEnabled) return SINGLE_TENANT;
  if (header === undefined || header === '') return errorText(401, 'no org id');
  const unsupported = /[^a-zA-Z0-9!\-_.*'()]/u.exec(header)?.[0];
  if (unsupported !== undefined) {
    const message = `tenant ID '${header}' contains unsupported character '${unsupported}'`;
    return errorText(400, header.includes('|') ? 'multiple org IDs present' : message);
  }
  if (header.length > 150) return errorText(400, 'tenant ID is too long: max 150 characters');
  if (header === '.' || header === '..') return errorText(400, "tenant ID is '.' or '..'");
  return header;
}
