import type { EngineSimulator } from '../../../src/simulators/engine/index.js';
import { Installation, withPrograms, type SettingTexts } from '../collector/installation.js';
import { withSimulators, type SimulatorsOptions } from '../simulators.js';
import { until } from '../until.js';
import { pollard, type PollardOptions, type PollardRun } from './pollard.js';

/** By path, as texts; undefined leaves out one that a site has by itself. */
export type SiteSettings = SettingTexts;

export interface SiteOptions extends Pick<SimulatorsOptions, 'profile' | 'loki' | 'lokiClock'> {
  readonly settings?: SettingTexts;
}

/** Quick, so that the tests are; nothing is read of the machine's own configuration. */
const QUICK: SettingTexts = {
  'poll.interval': '200ms',
  'poll.min_interval': '50ms',
  'poll.max_interval': '400ms',
  'discovery.events_interval': '100ms',
  'discovery.list_interval': '1s',
  'loki.batch.max_age': '100ms',
  'loki.backoff.min': '20ms',
  'loki.backoff.max': '200ms',
  'loki.backoff.max_retries': '0',
  'loki.outage_grace': '200ms',
  'loki.settle_time': '1s',
  'status.listen': '127.0.0.1:0',
  'log.format': 'json',
};

/** An installation between simulators, on which commands are typed as well. */
export class Site extends Installation<EngineSimulator> {
  /** Runs a command line to its end, in this process. */
  async pollard(
    words: readonly string[],
    settings: SettingTexts = {},
    options: PollardOptions = {},
  ): Promise<PollardRun> {
    return await pollard([...words, ...this.arguments(settings)], {
      ...options,
      env: { ...noSettings(), ...options.env },
    });
  }

  /** Waits until a fault that was laid on the Engine has struck. */
  async untilStruck(): Promise<void> {
    await until('the fault has struck', () => this.engine.faultsStruck > 0, {
      instead: () => this.lastWords(),
    });
  }
}

/** The test's own environment must not set anything. */
function noSettings(): Record<string, undefined> {
  const names = Object.keys(process.env).filter((name) => /^(?:POLLARD|DOCKER)_/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/**
 * Words before a command by which also root may do only what the permissions of files say: a socket or a file of
 * mode 000 is refused to it, as it would be to another user, who perhaps could not even read the program.
 */
export function bowingToPermissions(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  return ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
}

/** Runs with a site of its own, of which nothing is left afterwards. */
export async function withSite(
  { settings = {}, ...simulators }: SiteOptions,
  use: (site: Site) => Promise<void>,
): Promise<void> {
  await withSimulators(simulators, async (surroundings) => {
    await withPrograms(new Site(surroundings, { ...QUICK, ...settings }), use);
  });
}
