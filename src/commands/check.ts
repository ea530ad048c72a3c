import { runTogether } from '../collector/run-together.js';
import type { LoadedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { systemClock } from '../model/system-clock.js';
import { secretMask } from '../observe/secret-mask.js';
import { configurationPart, refusedConfigurationPart } from './check/configuration.js';
import { acceptedAge } from './check/accepted-age.js';
import { checkContainers } from './check/containers.js';
import { checkEngine } from './check/engine.js';
import { checkJson } from './check/json.js';
import { checkLoki } from './check/loki.js';
import { exitCodeOf, type CheckReport } from './check/report.js';
import { checkState } from './check/state.js';
import { checkStatusPage } from './check/status-page.js';
import { checkText } from './check/text.js';
import { unlessInterrupted } from './interrupted.js';
import type { Output } from './output.js';
import { silentLogger } from './silent-logger.js';
import { stopSignals } from './stop-signals.js';
import { styleFor } from './view/style.js';
import { knownSecrets } from './wiring/known-secrets.js';
import { hostNotice } from './wiring/pipeline-settings.js';

export interface CheckFlags {
  /** One JSON object. */
  readonly json: boolean;
  /** Words instead of ticks and crosses. */
  readonly ascii: boolean;
}

/**
 * `pollard check`: tries out all that the service needs, and says what it would collect. Changes nothing: no line is
 * stored, no cursor moved, no directory made; a running service is not disturbed.
 *
 * @param load gives the configuration
 * @returns the exit code: that of the first part that failed
 */
export async function check(
  load: () => Promise<LoadedConfig>,
  flags: CheckFlags,
  output: Output,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const stop = stopSignals(silentLogger);
  try {
    const { report, secrets } = await unlessInterrupted('the check', stop.signal, () =>
      reportOf(load, stop.signal),
    );
    const style = styleFor(output.out, env, flags.ascii);
    const text = flags.json ? checkJson(report) : checkText(report, style);
    output.out.write(secretMask(secrets)(text));
    return exitCodeOf(report);
  } finally {
    stop.release();
  }
}

async function reportOf(
  load: () => Promise<LoadedConfig>,
  signal: AbortSignal,
): Promise<{ report: CheckReport; secrets: readonly string[] }> {
  let loaded: LoadedConfig;
  try {
    loaded = await load();
  } catch (error) {
    const skipped = ['engine', 'loki', 'state', 'status', 'containers'] as const;
    return { report: { parts: [refusedConfigurationPart(error)], skipped, containers: [] }, secrets: [] };
  }
  const { config } = loaded;
  const report = await tried(config, configurationPart(loaded, hostNotice(config)), signal);
  return { report, secrets: knownSecrets(config) };
}

async function tried(
  config: Config,
  configuration: CheckReport['parts'][number],
  signal: AbortSignal,
): Promise<CheckReport> {
  const clock = systemClock;
  const [engine, loki, state, status, accepted] = await runTogether(signal, (ending) => [
    checkEngine(config, clock, ending),
    checkLoki(config, clock, ending),
    checkState(config),
    checkStatusPage(config, clock),
    acceptedAge(config, ending),
  ]);
  const parts = [configuration, engine.part, loki, state.part, status];
  if (engine.seen === undefined) return { parts, skipped: ['containers'], containers: [] };
  const cursors = state.cursors ?? { cursors: [], unusable: [], kept: 0 };
  const checked = await checkContainers(config, engine.seen, cursors, accepted, clock, signal);
  return { parts: [...parts, checked.part], skipped: [], containers: checked.containers };
}
