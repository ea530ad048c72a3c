import type { ConfigProblem } from './config-error.js';
import type { Given, Origin } from './given.js';
import type { OldNameUse } from './renamed.js';

/** What one source (a file, the environment, the flags) gives. */
export interface Layer {
  /** By the path of the setting. */
  readonly values: ReadonlyMap<string, Given>;
  /** Sections that are named, perhaps with nothing in them: TLS with all defaults. */
  readonly sections: ReadonlyMap<string, Origin>;
  /** What cannot be used of it. */
  readonly problems: readonly ConfigProblem[];
  /** Old names of settings that are used. */
  readonly oldNames: readonly OldNameUse[];
}
