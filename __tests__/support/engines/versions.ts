import { accessSync, constants, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The real Engines of the end-to-end tests, named after the Debian suite they come from: the machine's own
 * (20.10 on bookworm), trixie (26.1) and sid (whatever stands there; 28.5 when this was written).
 */
export const engineVersions = ['distribution', 'trixie', 'sid'] as const;
export type EngineVersion = (typeof engineVersions)[number];

/** Whether the end-to-end tests were left out on purpose (`POLLARD_E2E=off`). Nothing else leaves them out. */
export function e2eIsOff(): boolean {
  return process.env['POLLARD_E2E'] === 'off';
}

const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * The PATH that an engine runs with: its own programs first, then the machine's (its runc above all).
 *
 * @throws Error that says which install step is missing
 */
export function searchPath(version: EngineVersion): string {
  const system = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const folders = version === 'distribution' ? system : [...unpacked(version), ...system];
  for (const program of ['dockerd', 'containerd', 'runc']) {
    if (!folders.some((folder) => isExecutable(join(folder, program)))) {
      throw new Error(
        `${program} for the engine "${version}" is not on this machine. Run: .ci/install-engines.sh (as root; ` +
          'POLLARD_E2E=off leaves the end-to-end tests out)',
      );
    }
  }
  return folders.join(':');
}

function unpacked(version: Exclude<EngineVersion, 'distribution'>): string[] {
  const root = join(
    resolve(repositoryRoot, process.env['POLLARD_ENGINES_DIR'] ?? join(repositoryRoot, '.engines')),
    version,
  );
  if (!existsSync(join(root, 'complete'))) {
    throw new Error(
      `no Docker Engine of Debian's ${version} under ${root}. Run: .ci/install-engines.sh (as root; ` +
        'POLLARD_E2E=off leaves the end-to-end tests out)',
    );
  }
  return [join(root, 'usr/bin'), join(root, 'usr/sbin')];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
