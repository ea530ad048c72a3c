import { originText, type Origin } from './given.js';
import { settingAt, type Setting } from './settings.js';

/** A setting under the name that it had before, by which it is still read. */
export interface OldName {
  readonly path: string;
  /** The environment variable of that name. */
  readonly variable: string;
  /** The flag of that name. */
  readonly flag: string;
  readonly setting: Setting;
}

/** Someone used an old name. */
export interface OldNameUse {
  /** As it was written: a path, a variable or a flag. */
  readonly written: string;
  /** The name to write instead, in the same form. */
  readonly instead: string;
  readonly origin: Origin;
}

const PATHS: readonly (readonly [old: string, now: string])[] = [
  ['docker.tls.ca', 'docker.tls.ca_file'],
  ['docker.tls.cert', 'docker.tls.cert_file'],
  ['docker.tls.key', 'docker.tls.key_file'],
];

/** All names that settings had before. */
export const OLD_NAMES: readonly OldName[] = PATHS.map(([path, now]) => ({
  path,
  variable: `POLLARD_${path.replaceAll('.', '_').toUpperCase()}`,
  flag: `--${path.replaceAll(/[._]/g, '-')}`,
  setting: settingAt(now) as Setting,
}));

/** The setting that had this path before. */
export function oldNameAt(path: string): OldName | undefined {
  return OLD_NAMES.find((each) => each.path === path);
}

/** A warning for people. */
export function oldNameText({ written, instead, origin }: OldNameUse): string {
  const where = origin.kind === 'file' ? ` (${originText(origin)})` : '';
  return `${written} is now ${instead}; the old name is still read${where}`;
}
