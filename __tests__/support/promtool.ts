import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { e2eIsOff } from './engines/versions.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = resolve(root, process.env['POLLARD_ENGINES_DIR'] ?? '.engines', 'prometheus');
const unpacked = resolve(folder, 'promtool');

/** The machine's own, or the one that .ci/install-promtool.sh unpacked; undefined: there is none. */
function findPromtool(): string | undefined {
  return ['promtool', unpacked].find((program) => spawnSync(program, ['--version']).status === 0);
}

const found = findPromtool();

/**
 * Whether it is not there, and that is meant (`POLLARD_E2E=off`) or cannot be helped: .ci/install-promtool.sh did not
 * find its package. Nothing else leaves its tests out.
 */
export const promtoolIsOff =
  found === undefined && (e2eIsOff() || existsSync(resolve(folder, 'unavailable')));

/**
 * Runs Prometheus' promtool.
 *
 * @param input its standard input
 * @returns what it printed
 * @throws Error with what it printed, when it is not content; Error that names the install step, when it is not there
 */
export async function promtool(args: readonly string[], input = ''): Promise<string> {
  if (found === undefined) {
    throw new Error(`no promtool in PATH, nor ${unpacked}. Run: .ci/install-promtool.sh (as root)`);
  }
  return await new Promise((done, failed) => {
    const child = execFile(found, args, (error, stdout, stderr) => {
      const printed = `${stdout}${stderr}`;
      if (error === null) done(printed);
      else failed(new Error(`promtool ${args.join(' ')}: ${printed}`));
    });
    child.stdin?.end(input);
  });
}
