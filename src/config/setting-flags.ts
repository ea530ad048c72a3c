import { SETTINGS } from './settings.js';
import type { Kind } from './values.js';

/** One setting as a flag of the command line. */
export interface SettingFlag {
  /** `--loki-url` */
  readonly flag: string;
  /** `loki.url` */
  readonly path: string;
  /** The top section, to group by; of `start` its own name. */
  readonly group: string;
  readonly description: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  readonly kind: Kind;
  /** Better not given as a flag: others see the command line. */
  readonly secret: boolean;
}

/** Every setting as a flag, in the order of the schema. */
export function settingFlags(): SettingFlag[] {
  return SETTINGS.map(({ flag, path, description, allowed, kind, secret }) => ({
    flag,
    path,
    group: path.split('.')[0] as string,
    description,
    allowed,
    kind,
    secret,
  }));
}
