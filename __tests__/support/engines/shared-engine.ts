import { RunningEngine, type EngineIdentity } from './running-engine.js';
import { engineVersions, type EngineVersion } from './versions.js';

// One Engine for all test files of a jest process, instead of one for each file. `.ci/run-suites.mjs` starts it by
// serve-engine.ts and gives jest its version and identity in the environment.

/** The Engine versions that this jest process tests: all, or the one of POLLARD_E2E_ENGINE. */
export function versionsUnderTest(): readonly EngineVersion[] {
  const only = process.env['POLLARD_E2E_ENGINE'];
  if (only === undefined) return engineVersions;
  const version = engineVersions.find((each) => each === only);
  if (version === undefined) {
    throw new Error(`POLLARD_E2E_ENGINE is "${only}"; allowed: ${engineVersions.join(', ')}`);
  }
  return [version];
}

/** @returns the shared Engine of this version; undefined where none was started */
export function sharedEngine(version: EngineVersion): RunningEngine | undefined {
  const text = process.env['POLLARD_E2E_SHARED_ENGINE'];
  if (text === undefined) return undefined;
  const identity = JSON.parse(text) as EngineIdentity;
  return identity.suite === version ? new RunningEngine(identity) : undefined;
}
