import { expect, test } from '@jest/globals';
import { ENGINE_PROFILES } from '../../../src/simulators/engine/index.js';
import { withSite } from '../../support/commands/site.js';

/** The words of a proxy or fork, in a frame of the container's stream. */
const WORDS = 'upstream connect error';

test('`check` reads the last lines of each log, and reports what it cannot read', async () => {
  await withSite({ profile: { ...ENGINE_PROFILES['28.5'], unstampedText: WORDS } }, async (site) => {
    const web = site.engine.addContainer({ name: 'web' });
    web.writeLine('stdout', WORDS);
    web.writeLine('stdout', 'last');
    const none = await site.pollard(['check']);
    expect(none.stdout).toContain(`a line without a timestamp: "${WORDS}"`);
    expect(none.stdout).not.toContain('Pollard can collect');
    expect(none.code).toBe(6);
    site.engine.addContainer({ name: 'good' }).writeLine('stdout', 'hello');
    const some = await site.pollard(['check']);
    expect(some.stdout).toContain(`web: a line without a timestamp: "${WORDS}"`);
    expect(some.stdout).toMatch(/Pollard can collect, \d warning/);
    expect(some.code).toBe(0);
  });
});
