import type { ConfigProblem } from './config-error.js';
import type { Given } from './given.js';
import type { Layer } from './layer.js';
import { nearest, suggestion } from './nearest.js';
import { Unreadable, valueOfText } from './read-value.js';
import { oldNameAt, type OldNameUse } from './renamed.js';
import { settingAt, SETTINGS, type Setting } from './settings.js';
import { shownKey } from './shown.js';

/** What the flags give, by the path of the setting. A value may be a text as it was typed, or one that is read. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** What the flags give. A flag without a value (undefined) is not set; one of several texts is a list. */
export function readFlags(flags: FlagValues): Layer {
  const values = new Map<string, Given>();
  const problems: ConfigProblem[] = [];
  const oldNames: OldNameUse[] = [];
  for (const [path, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const old = oldNameAt(path);
    const setting = old?.setting ?? settingAt(path);
    if (setting === undefined) {
      const near = nearest(
        path,
        SETTINGS.map((known) => known.path),
      );
      const shown = path.split('.').map(shownKey).join('.');
      problems.push({ setting: shown, problem: `no such setting${suggestion(near)}` });
      continue;
    }
    const origin = { kind: 'flag', flag: old?.flag ?? setting.flag } as const;
    if (old !== undefined) {
      oldNames.push({ written: old.flag, instead: setting.flag, origin });
      // The name of today counts.
      if (flags[setting.path] !== undefined) continue;
    }
    try {
      values.set(setting.path, { value: valueOfFlag(value, setting), origin });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      problems.push({ setting: setting.path, problem: error.message, origin });
    }
  }
  return { values, sections: new Map(), problems, oldNames };
}

function valueOfFlag(value: unknown, setting: Setting): unknown {
  if (typeof value === 'string') return valueOfText(value, setting);
  // Null is no value, and a flag that is there is meant to have one.
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? [...(value as unknown[])] : { ...value };
}
