import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument, type ScalarTag } from 'yaml';
import { SETTINGS } from '../../../src/config/settings.js';
import { ExitCode } from '../../../src/model/exit-codes.js';
import { pollard } from '../../support/commands/pollard.js';

// What is delivered beside the program and is run by others: systemd, cron, Docker, Grafana. A mistake there shows
// only on the operator's machine, so that what can be checked without them is checked here.

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const filesUnder = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

/** Docker Compose's own tags for a file on top of another one. */
const composeTags: ScalarTag[] = ['!reset', '!override'].map((tag) => ({ tag, resolve: (text) => text }));

function yaml(path: string): unknown {
  const document = parseDocument(read(path), {
    strict: true,
    uniqueKeys: true,
    customTags: [
      ...composeTags,
      ...composeTags.map(({ tag }) => ({
        tag,
        collection: 'seq' as const,
        resolve: (node: unknown) => node,
      })),
    ],
  });
  expect(document.errors).toEqual([]);
  expect(document.warnings).toEqual([]);
  return document.toJS({ merge: true });
}

/** `[section] key=value` of a systemd unit, each key with all its values, comments left out. */
function unit(path: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  let section = '';
  for (const line of read(path).split('\n')) {
    if (line === '' || /^[#;]/.test(line)) continue;
    const header = /^\[(\w+)\]$/.exec(line);
    if (header) {
      section = header[1]!;
      continue;
    }
    const setting = /^(\w+)=(.*)$/.exec(line);
    if (!setting) throw new Error(`${path}: neither section nor setting: ${line}`);
    const key = `${section}.${setting[1]}`;
    settings.set(key, [...(settings.get(key) ?? []), setting[2]!]);
  }
  return settings;
}

/** The words behind `pollard.js`, wherever it is started in a text. */
function starts(text: string): string[][] {
  const start = /node (?:--[\w=-]+ )*\/opt\/pollard\/dist\/bin\/pollard\.js ([^\n>|)#]*)/g;
  return [...text.matchAll(start)].map((match) => match[1]!.trim().split(/\s+/));
}

/** Asks the program itself whether it has this command, with each of these options. */
async function expectStartable([command = '', ...words]: readonly string[]): Promise<void> {
  const { code, stdout } = await pollard([command, '--help']);
  expect([code, stdout]).toEqual([
    ExitCode.ok,
    expect.stringContaining(`Usage: pollard ${command} [options]`),
  ]);
  const options = words.filter((word) => word.startsWith('--'));
  expect(options.filter((option) => !new RegExp(`^ +(?:-\\w, )?${option}\\b`, 'm').test(stdout))).toEqual([]);
}

interface Service {
  volumes?: string[];
  networks?: string[];
  depends_on?: string[];
  configs?: { source: string }[];
  command?: string[];
  cap_drop?: string[];
  read_only?: boolean;
  healthcheck?: { test: string[] };
  deploy?: { mode: string; update_config: { order: string } };
}
interface Compose {
  services: Record<string, Service>;
  networks?: Record<string, unknown>;
  volumes?: Record<string, unknown>;
  configs?: Record<string, { file: string }>;
}

const units = filesUnder('config/systemd').filter((path) => /\.(service|timer)$/.test(path));
const services = units.filter((path) => path.endsWith('.service'));

describe('the YAML under config/', () => {
  test.each(filesUnder('config').filter((path) => /\.ya?ml$/.test(path)))('%s is valid', (path) => {
    expect(yaml(path)).toEqual(expect.any(Object));
  });
});

test.each([...services, 'config/cron/pollard', 'Dockerfile'])(
  '%s starts Node.js with the options of the program itself',
  (path) => {
    const options = /^#!\/usr\/bin\/env -S node (.+)$/m.exec(read('bin/pollard.ts'))![1]!;
    const commandLines = read(path)
      .replace(/^#.*$/gm, '')
      .replaceAll('", "', ' ')
      .match(/node [^\n]*pollard\.js/g);
    expect(commandLines).not.toBeNull();
    for (const found of commandLines!) expect(found).toBe(`node ${options} /opt/pollard/dist/bin/pollard.js`);
  },
);

test.each(['config/cron/pollard', 'config/systemd/pollard-catch-up.service'])(
  '%s: a catch-up gives up without Loki, and is quiet when another has the cursors',
  (path) => {
    const lines = read(path).match(/^[^#].*pollard\.js catch-up .*$/gm);
    expect(lines).toEqual([expect.stringContaining(' --max-duration 15m --skip-if-locked')]);
  },
);

describe('the systemd units', () => {
  test.each(services)('%s starts a command that there is, with the configuration named', async (path) => {
    const started = unit(path).get('Service.ExecStart')!.flatMap(starts);
    expect(started).toHaveLength(1);
    await expectStartable(started[0]!);
    expect(started[0]).toEqual(expect.arrayContaining(['--config', '/etc/pollard/pollard.yaml']));
  });

  test.each(units)('%s has no key twice and none empty but the emptied capabilities', (path) => {
    const settings = [...unit(path)];
    expect(settings.length).toBeGreaterThan(3);
    const twice = settings.filter(([key, values]) => key !== 'Service.Environment' && values.length > 1);
    expect(twice).toEqual([]);
    const empty = settings.filter(([key, values]) => !/Capabilit/.test(key) && values.includes(''));
    expect(empty).toEqual([]);
  });

  test.each(units.filter((path) => path.endsWith('.timer')))('%s has its service', (path) => {
    expect(existsSync(join(root, path.replace(/timer$/, 'service')))).toBe(true);
  });

  test('the service is not started again after what no restart heals', () => {
    const service = unit('config/systemd/pollard.service');
    expect(service.get('Service.Restart')).toEqual(['on-failure']);
    expect(service.get('Service.RestartPreventExitStatus')).toEqual([`${ExitCode.usage} ${ExitCode.locked}`]);
    expect(service.get('Unit.StartLimitIntervalSec')).toEqual(['0']);
  });

  test.each(services)(
    '%s runs as pollard with its state to itself, and is hardened as the others are',
    (path) => {
      const settings = unit(path);
      const value = (key: string): string | undefined => settings.get(`Service.${key}`)?.join(' ');
      expect({ user: value('User'), group: value('SupplementaryGroups') }).toEqual({
        user: 'pollard',
        group: 'docker',
      });
      expect([value('StateDirectory'), value('StateDirectoryMode')]).toEqual(['pollard', '0700']);
      expect([value('ProtectSystem'), value('NoNewPrivileges')]).toEqual(['strict', 'yes']);

      const hardening = (text: string): string =>
        text.slice(
          text.indexOf('# Read and write nothing but'),
          text.indexOf('# Not MemoryDenyWriteExecute'),
        );
      expect(hardening(read(path))).not.toBe('');
      expect(hardening(read(path))).toBe(hardening(read('config/systemd/pollard.service')));
    },
  );

  test.each(services)(
    '%s may write the result of a run for node_exporter, and the service has none',
    (path) => {
      const example = SETTINGS.find(({ path: key }) => key === 'metrics.textfile')!.example!;
      const isOneShot = unit(path).get('Service.Type')!.includes('oneshot');
      expect(isOneShot).toBe(path !== 'config/systemd/pollard.service');
      // The directory need not be there.
      expect(unit(path).get('Service.ReadWritePaths')).toEqual(isOneShot ? [`-${example}`] : undefined);
    },
  );

  test('the user of the units is the one that sysusers makes, in the group that they have', () => {
    const sysusers = read('config/systemd/pollard.sysusers.conf');
    expect(sysusers).toMatch(/^u pollard - .* \/var\/lib\/pollard$/m);
    // Not by the units alone: `pollard check` and cron know nothing of SupplementaryGroups.
    expect(sysusers).toMatch(/^m pollard docker$/m);
  });
});

/** The commands in comments of a file, each on one line. */
const commented = (path: string): string =>
  read(path)
    .split('\n')
    .map((line) => line.replace(/^# ?/, ''))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '');

describe('the install steps of the README', () => {
  const section = /^## Install\n([\s\S]*?)^## /m.exec(read('README.md'))![1]!;
  const steps = [...section.matchAll(/^```\n([\s\S]*?)^```/gm)].flatMap((block) =>
    block[1]!.trim().split('\n'),
  );
  const at = (pattern: RegExp): number => steps.findIndex((step) => pattern.test(step));

  test('use files that there are', () => {
    const used = steps.flatMap((step) => step.match(/\bconfig\/\S+/g) ?? []);
    expect(used.length).toBeGreaterThan(2);
    expect(used.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('make user, state directory and configuration before the check as this user', () => {
    const order = [
      at(/^install -D .* \/etc\/sysusers\.d\/pollard\.conf && systemd-sysusers$/),
      at(/^install -d -m 0700 -o pollard -g pollard \/var\/lib\/pollard$/),
      at(/^install -D -m 0640 -g pollard config\/pollard\.yaml \/etc\/pollard\/pollard\.yaml\b/),
      // Not sudo, which a machine need not have.
      at(/^runuser -u pollard -- pollard check\b/),
      at(/^systemctl daemon-reload && systemctl enable --now pollard$/),
    ];
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test('make the folders that a clean machine lacks, such as /etc/sysusers.d', () => {
    expect(steps.filter((step) => /\bcp .* \/etc\//.test(step))).toEqual([]);
    expect(steps.filter((step) => /\binstall (?!-[dD]).* \/etc\/(?!systemd\/system\/)/.test(step))).toEqual(
      [],
    );
  });

  test('say which Docker Compose they need', () => {
    expect(section).toMatch(/Docker Compose v2 \(`docker compose`\)/);
    expect(commented('config/compose/compose.yaml')).toMatch(/needs Docker Compose v2/);
    expect(commented('config/compose/compose.socket-proxy.yaml')).toMatch(/Docker Compose 2\.24\.4 or newer/);
  });
});

test.each(units.filter((path) => path.endsWith('.timer')))('%s is installed with its service', (path) => {
  const service = path.replace(/timer$/, 'service');
  expect(commented(service)).toContain(`install -m 0644 ${service} ${path} /etc/systemd/system/`);
});

describe('the cron example', () => {
  const jobs = read('config/cron/pollard')
    .split('\n')
    .filter((line) => /^[*\d]/.test(line));

  test('says how to make its user, who may use the Docker socket', () => {
    expect(commented('config/cron/pollard')).toMatch(
      /^ *useradd --system .*--groups docker .*--home-dir \/var\/lib\/pollard .*pollard$/m,
    );
  });

  test('starts commands that there are, as the user pollard', async () => {
    expect(jobs).toHaveLength(3);
    for (const job of jobs) {
      expect(job).toMatch(/^(\S+\s+){5}pollard\s/);
      const [started] = starts(job);
      await expectStartable(started!);
      expect(started).toContain('--config');
      // To cron a percent sign is the end of the line.
      expect(job).not.toContain('%');
    }
  });
});

test.each(['config/compose/compose.yaml', 'config/swarm/stack.yaml', 'Dockerfile'])(
  '%s says why it mounts the socket and not its folder, and how to mount that',
  (path) => {
    const text = read(path).replaceAll(/\n *# /g, ' ');
    expect(text).toMatch(/The socket is mounted, and not its folder: .* live-restore .*mount the folder: /);
    expect(text).toContain('DOCKER_HOST=unix:///host/run/docker.sock');
  },
);

describe.each(['compose/compose.yaml', 'swarm/stack.yaml'])('config/%s', (name) => {
  const path = `config/${name}`;
  const folder = join(root, path, '..');
  const stack = (): Compose => yaml(path) as Compose;

  test('mounts files that there are, and volumes that it declares', () => {
    const { services: all, volumes = {}, configs = {} } = stack();
    const mounts = Object.values(all).flatMap((service) => service.volumes ?? []);
    const sources = mounts.map((mount) => mount.split(':')[0]!);
    const ofMachine = sources.filter((source) => source.startsWith('/'));
    // Nothing else of the machine is anybody's business.
    expect(ofMachine).toEqual(['/var/run/docker.sock']);
    const named = sources.filter((source) => /^\w/.test(source));
    expect(new Set(named)).toEqual(new Set(Object.keys(volumes)));
    const files = sources.filter((source) => source.startsWith('.'));
    expect(sources).toHaveLength(ofMachine.length + named.length + files.length);
    const given = [...files, ...Object.values(configs).map(({ file }) => file)];
    expect(given.length).toBeGreaterThan(0);
    expect(given.filter((file) => !existsSync(resolve(folder, file)))).toEqual([]);
  });

  test('uses networks, services and configs that it declares', () => {
    const { services: all, networks = {}, configs = {} } = stack();
    const used = Object.values(all);
    const without = (given: object, names: readonly string[]): string[] =>
      names.filter((name) => !(name in given));
    expect(
      without(
        networks,
        used.flatMap((service) => service.networks ?? []),
      ),
    ).toEqual([]);
    expect(
      without(
        all,
        used.flatMap((service) => service.depends_on ?? []),
      ),
    ).toEqual([]);
    const sources = used.flatMap((service) => service.configs ?? []).map(({ source }) => source);
    expect(without(configs, sources)).toEqual([]);
  });

  test('gives Pollard the socket, its state, its configuration and nothing more', () => {
    const pollard = stack().services['pollard']!;
    expect(pollard).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(pollard.volumes).toEqual(
      expect.arrayContaining(['/var/run/docker.sock:/var/run/docker.sock:ro', 'state:/var/lib/pollard']),
    );
  });
});

test('the Swarm stack has the version without which Docker 20.10 refuses it', () => {
  // 3.9 is the first that knows limits.pids.
  expect(yaml('config/swarm/stack.yaml')).toMatchObject({ version: '3.9' });
});

test('the Swarm stack runs on every node, and the old task lets go of the cursors before the new one starts', () => {
  const { deploy } = (yaml('config/swarm/stack.yaml') as Compose).services['pollard']!;
  expect(deploy).toMatchObject({ mode: 'global', update_config: { order: 'stop-first' } });
});

test('the dashboard that Grafana opens with is one of those it is given', () => {
  const text = read('config/compose/compose.yaml');
  const home = /DEFAULT_HOME_DASHBOARD_PATH: \/etc\/pollard-dashboards\/(\S+)/.exec(text)![1]!;
  expect(existsSync(join(root, 'config/grafana', home))).toBe(true);
});

describe('the socket proxy', () => {
  const proxy = (yaml('config/compose/compose.socket-proxy.yaml') as Compose).services['socket-proxy']!;
  const rules = proxy.command!.filter((word) => word.startsWith('-allow') && !word.startsWith('-allowfrom'));
  // As the proxy does with what it is given (its README, "Setting up the allowlist for requests").
  const allowed = new RegExp(`^${rules[0]!.replace('-allowGET=', '')}$`);
  const id = 'c0ffee'.padEnd(64, '0');

  test('allows GET alone', () => {
    expect(rules).toHaveLength(1);
    expect(rules[0]).toMatch(/^-allowGET=/);
  });

  test.each([
    '/_ping',
    '/v1.24/version',
    '/v1.51/events',
    '/v1.44/containers/json',
    `/v1.44/containers/${id}/json`,
    `/v1.44/containers/${id}/logs`,
  ])('lets %s through', (path) => {
    expect(path).toMatch(allowed);
  });

  test.each([
    `/v1.44/containers/${id}/export`,
    `/v1.44/containers/${id}/archive`,
    `/v1.44/containers/${id}/attach/ws`,
    `/v1.44/containers/${id}/logs/../export`,
    `/v1.44/containers/${id}/stats`,
    '/v1.44/exec/0/json',
    '/v1.44/images/json',
    '/v1.44/secrets',
    '/v1.44/info',
    '/x/_ping',
    '/_ping/x',
  ])('keeps %s out', (path) => {
    expect(path).not.toMatch(allowed);
  });
});

describe('the image', () => {
  const file = read('Dockerfile');

  test('runs as a user of its own, without a shell in between', async () => {
    expect(file).toMatch(/^USER pollard$/m);
    expect(file).toMatch(/^ENTRYPOINT \["node", .*"\/opt\/pollard\/dist\/bin\/pollard\.js"\]$/m);
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(file)![1]!) as string[];
    await expectStartable(command);
    expect(file).toMatch(/^VOLUME \/var\/lib\/pollard$/m);
  });

  test('is run with a name of its own, a configuration that it can read, and time to stop', () => {
    const [run] = /docker run .*/.exec(commented('Dockerfile'))!;
    expect(run).toContain('--hostname "$(hostname)"');
    expect(run).toContain('--stop-timeout 60');
    const gid = /groupadd --gid (\d+) pollard/.exec(file)![1]!;
    expect(commented('Dockerfile')).toMatch(
      new RegExp(`install -D -m 0640 -g ${gid} config/pollard\\.yaml /etc/pollard/pollard\\.yaml`),
    );
  });

  test('asks the status page for its health, in the form that needs no shell', () => {
    const test = JSON.parse(/^HEALTHCHECK [\s\S]*?CMD (\[.*\])$/m.exec(file)![1]!) as string[];
    expect(test.slice(0, 2)).toEqual(['node', '-e']);
    expect(test[2]).toContain('http://127.0.0.1:9473/healthz');
  });

  test('is given each file that it copies, and no other', () => {
    const ignore = read('.dockerignore').split('\n');
    expect(ignore).toContain('*');
    const given = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = [...file.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) => match[1]!.split(' '));
    expect(new Set(given)).toEqual(new Set(copied));
  });
});

describe('make', () => {
  const text = read('Makefile');
  const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);

  test.each(['help', 'demo', 'test', 'bench', 'chaos', 'soak', 'build', 'lint', 'clean'])(
    'has the target %s and lists it',
    (target) => {
      expect(text).toMatch(new RegExp(`^\\.PHONY: ${target}\\n${target}:.*## `, 'm'));
    },
  );

  test('calls npm scripts that there are', () => {
    const called = [...text.matchAll(/npm run --silent (\S+)/g)].map((match) => match[1]!);
    expect(called.length).toBeGreaterThan(0);
    for (const script of called) expect(scripts).toContain(script);
  });

  test('wants the Node.js that package.json wants', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    expect(`>=${/^oldest_node := (\S+)$/m.exec(text)![1]!}`).toBe(engines.node);
  });

  test('is all that CI calls', () => {
    expect(read('.ci/run')).toMatch(/^CI=true exec make test$/m);
  });
});
