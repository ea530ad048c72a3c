import type { Config } from './schema.js';

/**
 * What must not be printed wherever it turns up, for the logger: the password, also as the Authorization header
 * has it, the values of the headers, and user and password of the proxy. What is read from files is not among them.
 */
export function secretsOf({ loki }: Config): string[] {
  const secrets = new Set<string>();
  const { basic_auth: basic, headers, proxy_url: proxy } = loki;
  if (basic?.password !== undefined) {
    secrets.add(basic.password);
    secrets.add(Buffer.from(`${basic.username}:${basic.password}`).toString('base64'));
  }
  for (const value of Object.values(headers)) {
    secrets.add(value);
    // `Bearer token`: the token alone, too.
    const [, token] = /^\w+\s+(\S.*)$/s.exec(value) ?? [];
    if (token !== undefined) secrets.add(token);
  }
  if (proxy !== undefined && URL.canParse(proxy)) {
    const { username, password } = new URL(proxy);
    for (const part of [username, password]) {
      secrets.add(part);
      secrets.add(decoded(part));
    }
  }
  secrets.delete('');
  return [...secrets];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
