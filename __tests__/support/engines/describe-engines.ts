import { afterAll, beforeAll, describe } from '@jest/globals';
import { importBusybox } from './busybox-image.js';
import { startEngine, type Engine, type EngineOptions } from './engine.js';
import type { RunningEngine } from './running-engine.js';
import { sharedEngine, versionsUnderTest } from './shared-engine.js';
import { e2eIsOff, engineVersions, type EngineVersion } from './versions.js';

const START_TIMEOUT_MS = 180_000;

export interface DescribeOptions {
  /** For tests that take long and do not depend on the version; default: all. The others are skipped. */
  readonly versions?: readonly EngineVersion[];
}

/**
 * One describe block for each real Engine under test. The Engine has the busybox image and no containers when the
 * block begins. It is the one that all files of the jest process share, or one of the block's own where none is
 * shared. `engine()` is for use in tests and hooks. An Engine that is missing fails the block; only
 * `POLLARD_E2E=off` skips it.
 */
export function describeEngines(
  name: string,
  tests: (engine: () => RunningEngine) => void,
  { versions = engineVersions }: DescribeOptions = {},
): void {
  describeEach(name, tests, versions, async (version) => {
    const shared = sharedEngine(version);
    if (shared === undefined) return await ownEngine({ version });
    await shared.removeContainers();
    return { engine: shared, end: async () => await shared.removeContainers() };
  });
}

/** The same with an Engine of the block's own, for tests that halt it, or that need a daemon with other options. */
export function describeOwnEngines(
  name: string,
  tests: (engine: () => Engine) => void,
  options: Omit<EngineOptions, 'version'> = {},
): void {
  describeEach(name, tests, engineVersions, async (version) => await ownEngine({ ...options, version }));
}

interface Lent<Kind> {
  readonly engine: Kind;
  readonly end: () => Promise<void>;
}

async function ownEngine(options: EngineOptions): Promise<Lent<Engine>> {
  const engine = await startEngine(options);
  await importBusybox(engine.api);
  return { engine, end: async () => await engine.stop() };
}

function describeEach<Kind>(
  name: string,
  tests: (engine: () => Kind) => void,
  versions: readonly EngineVersion[],
  lend: (version: EngineVersion) => Promise<Lent<Kind>>,
): void {
  for (const version of versionsUnderTest()) {
    const block = e2eIsOff() || !versions.includes(version) ? describe.skip : describe;
    block(`${name} (engine of ${version})`, () => {
      let lent: Lent<Kind> | undefined;

      beforeAll(async () => {
        lent = await lend(version);
      }, START_TIMEOUT_MS);

      afterAll(async () => {
        await lent?.end();
      }, START_TIMEOUT_MS);

      tests(() => {
        if (!lent) throw new Error('the engine runs only in tests and hooks');
        return lent.engine;
      });
    });
  }
}
