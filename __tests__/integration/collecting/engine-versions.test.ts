import { describe, expect, test } from '@jest/globals';
import { ENGINE_PROFILES } from '../../../src/simulators/engine/index.js';
import { withCollector } from '../../support/collecting/index.js';
import { withSite } from '../../support/commands/site.js';
import { eachOnce, figuresOf } from '../../support/peers/index.js';

/** An Engine of the future, or one of today with `min-api-version` in its daemon.json. */
const FUTURE = {
  ...ENGINE_PROFILES['29.3'],
  engineVersion: '31.0.0',
  apiVersion: '1.60',
  minApiVersion: '1.58',
};

describe('an Engine whose minimum API version is newer than any version known', () => {
  test('is collected from, with one warning', async () => {
    await withCollector({ profile: FUTURE, settings: { gaps: { marker: false } } }, async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      await world.start();
      for (let n = 0; n < 10; n++) web.writeLine('stdout', `line ${n}`);
      await world.caughtUp();
      expect(await figuresOf(world)).toEqual(eachOnce(10));
      await world.stop();
      const warnings = world.log.messages.filter(({ fields }) => 'api_version' in fields);
      expect(warnings).toMatchObject([{ level: 'warn', fields: { api_version: '1.58' } }]);
      const refused = world.engine.requests.all.filter(({ status }) => status === 400);
      expect(refused.length).toBeGreaterThan(0);
      expect(new Set(refused.map(({ path }) => path.slice(0, 6)))).toEqual(new Set(['/v1.55']));
    });
  });

  test('`check` says so, and that Pollard can collect', async () => {
    await withSite({ profile: FUTURE }, async (site) => {
      site.engine.addContainer({ name: 'web' }).writeLine('stdout', 'hello');
      const { code, stdout } = await site.pollard(['check', '--json']);
      const { parts } = JSON.parse(stdout) as { parts: { part: string }[] };
      expect(parts.find(({ part }) => part === 'engine')).toMatchObject({
        state: 'warning',
        facts: { api_version: '1.58' },
        warnings: [{ code: 'engine_newer' }],
      });
      expect(code).toBe(0);
    });
  });
});
