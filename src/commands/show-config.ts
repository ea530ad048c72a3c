import { DEFAULT_FILE, type LoadedConfig } from '../config/load.js';
import { printConfig } from '../config/print.js';
import { configReference } from '../config/reference.js';
import { printable } from '../config/shown.js';
import { ExitCode } from '../model/exit-codes.js';
import { secretMask } from '../observe/secret-mask.js';
import type { Output } from './output.js';
import { knownSecrets } from './wiring/known-secrets.js';

/**
 * `pollard config`: the reference of all settings, as a file to begin with.
 *
 * @returns the exit code
 */
export function showReference(output: Output): number {
  output.out.write(configReference());
  return ExitCode.ok;
}

/**
 * `pollard config --effective`: the configuration in force, secrets masked, each value that is not a default with
 * where it came from.
 *
 * @returns the exit code
 */
export function showEffective(loaded: LoadedConfig, output: Output): number {
  const { config, file, origins } = loaded;
  const head = [
    '# The configuration in force. Behind each value stands where it came from; what has nothing there is a default.',
    file === undefined
      ? `# No file was read: none is named, and ${DEFAULT_FILE} is not there.`
      : `# File: ${printable(file)}`,
    '# Secrets are shown as ***.',
  ];
  const mask = secretMask(knownSecrets(config));
  output.out.write(mask(`${head.join('\n')}\n\n${printConfig(config, origins)}`));
  return ExitCode.ok;
}
