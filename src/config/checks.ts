import { conflict, type Conflict } from './conflict.js';
import type { Config } from './schema.js';
import { quoted, shownKey, withoutCredentials } from './shown.js';

/** What must hold between settings, or of a value beyond its kind, but for orders and labels. */
export function settingConflicts(config: Config): Conflict[] {
  return [
    ...dockerConflicts(config.docker),
    ...authConflicts(config.loki),
    ...pairConflicts(
      'loki.tls.cert_file',
      'loki.tls.key_file',
      config.loki.tls?.cert_file,
      config.loki.tls?.key_file,
    ),
    ...headerConflicts(config.loki),
    ...addressConflicts(config),
    ...globConflicts('containers.include', config.containers.include),
    ...globConflicts('containers.exclude', config.containers.exclude),
    ...everythingExcluded(config.containers.exclude),
  ];
}

function dockerConflicts({ host, tls }: Config['docker']): Conflict[] {
  const conflicts = pairConflicts(
    'docker.tls.cert_file',
    'docker.tls.key_file',
    tls?.cert_file,
    tls?.key_file,
  );
  if (!/^(unix|tcp|https?):\/\//i.test(host)) {
    const example = 'unix:///var/run/docker.sock or tcp://host:2376';
    conflicts.push(conflict(['docker.host'], `${shownAddress(host)} is not an address such as ${example}`));
  } else if (!/^unix/i.test(host) && host.includes('@')) {
    conflicts.push(
      conflict(['docker.host'], 'holds a user or a password, and the Engine knows none; set docker.tls'),
    );
  }
  return conflicts;
}

/** A certificate and its key are set both or none. */
function pairConflicts(certPath: string, keyPath: string, cert: unknown, key: unknown): Conflict[] {
  if ((cert === undefined) === (key === undefined)) return [];
  const [set, missing] = cert === undefined ? [keyPath, certPath] : [certPath, keyPath];
  return [conflict([set, missing], `is set without ${missing}; set both or none`)];
}

function authConflicts({ basic_auth: basic, bearer_token_file: bearer }: Config['loki']): Conflict[] {
  if (basic === undefined) return [];
  const conflicts: Conflict[] = [];
  const [password, file] = ['loki.basic_auth.password', 'loki.basic_auth.password_file'] as const;
  if (basic.password === undefined && basic.password_file === undefined) {
    conflicts.push(conflict(['loki.basic_auth', password, file], `needs password_file, or password`));
  }
  if (basic.password !== undefined && basic.password_file !== undefined) {
    conflicts.push(conflict([password, file], `is set beside ${file}; set one of them`));
  }
  if (basic.username.includes(':')) {
    conflicts.push(conflict(['loki.basic_auth.username'], 'holds a colon, which cannot be sent (RFC 7617)'));
  }
  if (bearer !== undefined) {
    conflicts.push(
      conflict(
        ['loki.bearer_token_file', 'loki.basic_auth'],
        'is set beside loki.basic_auth; a request can carry only one of them',
      ),
    );
  }
  return conflicts;
}

/** RFC 9110, field names and values. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const NOT_IN_HEADERS = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/;
/** They follow from what is sent. */
const OWN_HEADERS = ['content-type', 'content-encoding', 'content-length', 'transfer-encoding', 'connection'];
/** dskit, tenant/tenant.go: ValidTenantID. */
const TENANT = /^[a-zA-Z0-9!_.*'()-]{1,150}$/;

function headerConflicts(loki: Config['loki']): Conflict[] {
  const { headers, tenant } = loki;
  const conflicts = Object.entries(headers).flatMap(([name, value]) => {
    const about = (problem: string, ...others: string[]) => [
      conflict(['loki.headers', ...others], `${shownKey(name)} ${problem}`, name),
    ];
    const lower = name.toLowerCase();
    if (!TOKEN.test(name)) return about('is no name of a header');
    if (NOT_IN_HEADERS.test(value)) return about('has a value that cannot be sent in a header');
    if (OWN_HEADERS.includes(lower)) return about('is set by Pollard itself');
    if (lower === 'x-scope-orgid' && tenant !== undefined)
      return about('is set by loki.tenant', 'loki.tenant');
    if (lower === 'authorization') {
      const set = (['basic_auth', 'bearer_token_file'] as const).find((key) => loki[key] !== undefined);
      if (set !== undefined) return about(`is set by loki.${set}`, `loki.${set}`);
    }
    return [];
  });
  if (tenant === undefined || (TENANT.test(tenant) && tenant !== '.' && tenant !== '..')) return conflicts;
  const shown = quoted(tenant);
  const problem = `${shown} is no tenant to Loki: at most 150 letters, digits and !-_.*'()`;
  return [...conflicts, conflict(['loki.tenant'], problem)];
}

function addressConflicts({ loki, status }: Config): Conflict[] {
  const conflicts: Conflict[] = [];
  const url = httpUrl(loki.url);
  if (url === undefined) {
    conflicts.push(conflict(['loki.url'], `${shownAddress(loki.url)} is not a URL such as http://loki:3100`));
  } else if (url.username !== '' || url.password !== '') {
    conflicts.push(conflict(['loki.url'], 'holds a user or a password; set loki.basic_auth instead'));
  }
  if (loki.proxy_url !== undefined && httpUrl(loki.proxy_url) === undefined) {
    conflicts.push(
      conflict(['loki.proxy_url'], 'the value (not shown) is not a URL such as http://proxy:3128'),
    );
  }
  if (!/:\d{1,5}$/.test(status.listen.trim())) {
    const shown = shownAddress(status.listen);
    conflicts.push(conflict(['status.listen'], `${shown} is not host:port, such as 127.0.0.1:9473`));
  }
  return conflicts;
}

function httpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}

function shownAddress(text: string): string {
  return quoted(withoutCredentials(text));
}

/** What a container can be called (moby, names.RestrictedNameChars), with * and ?. */
const GLOB = /^[a-zA-Z0-9_.*?-]+$/;

function globConflicts(setting: string, globs: readonly string[]): Conflict[] {
  return globs.flatMap((glob, at) => {
    if (GLOB.test(glob)) return [];
    const shown = quoted(glob);
    const problem = glob.startsWith('/')
      ? `${shown} can match no container: write the name without the slash`
      : `${shown} can match no container: names have letters, digits, _, . and - only`;
    return [conflict([setting], problem, at)];
  });
}

function everythingExcluded(exclude: readonly string[]): Conflict[] {
  const at = exclude.findIndex((glob) => /^\*+$/.test(glob));
  if (at === -1) return [];
  const problem = 'leaves out every container; to collect nothing, set collector.enabled to false';
  return [conflict(['containers.exclude'], problem, at)];
}
