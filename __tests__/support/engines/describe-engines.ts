import { afterAll, beforeAll, describe } from '@jest/globals';
import { importBusybox } from './busybox-image.js';
import { startEngine } from './engine.js';
import type { Engine, EngineOptions } from './engine.js';
import { e2eIsOff, engineVersions } from './versions.js';
import type { EngineVersion } from './versions.js';

const START_TIMEOUT_MS = 180_000;

export interface DescribeOptions extends Omit<EngineOptions, 'version'> {
  /** For what takes long and is the same on all of them; default: all. */
  readonly versions?: readonly EngineVersion[];
}

/**
 * One describe block for each real Engine. The engine is started once for the block, with the busybox image, and
 * stopped behind it. `engine()` is for use inside of tests and hooks. An engine that is missing fails the block;
 * only `POLLARD_E2E=off` skips it.
 */
export function describeEngines(
  name: string,
  tests: (engine: () => Engine) => void,
  { versions = engineVersions, ...options }: DescribeOptions = {},
): void {
  const block = e2eIsOff() ? describe.skip : describe;
  for (const version of versions) {
    block(`${name} (engine of ${version})`, () => {
      let running: Engine | undefined;

      beforeAll(async () => {
        running = await startEngine({ ...options, version });
        await importBusybox(running.api);
      }, START_TIMEOUT_MS);

      afterAll(async () => {
        await running?.stop();
      }, START_TIMEOUT_MS);

      tests(() => {
        if (!running) throw new Error('the engine runs only inside of tests and hooks');
        return running;
      });
    });
  }
}
