import { adaptationOf } from './order.js';
import type { Setting } from './settings.js';
import { yamlValue } from './written.js';

/** The default of a setting for the reference, with how it follows others: `500ms (at most poll.interval)`. */
export function defaultText(setting: Setting): string {
  if (setting.required) return 'none, it is needed in this section';
  if (setting.fallback === undefined) return 'none';
  const adaptation = adaptationOf(setting.path);
  const value = yamlValue(setting, setting.fallback);
  return adaptation === undefined ? value : `${value} (${adaptation})`;
}
