import { describe, expect, test } from '@jest/globals';
import { isGapText } from '../../../src/collector/gap.js';
import { ENGINE_PROFILES } from '../../../src/simulators/engine/index.js';
import { withCollector } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

/** The words of a proxy or fork, in a frame of the container's stream. */
const WORDS = 'upstream connect error';
const named = (text: string, from: number, until: number): string[] =>
  Array.from({ length: until - from }, (_, n) => `${text} ${from + n}`);

describe.each(['24', '28.5'] as const)('a line without a timestamp, from an Engine %s', (version) => {
  const profile = { ...ENGINE_PROFILES[version], unstampedText: WORDS };

  test.each(['stdout', 'stderr'] as const)('on %s is named and read around', async (stream) => {
    await withCollector({ profile }, async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      await world.start();
      for (const line of named('line', 0, 20)) web.writeLine('stdout', line);
      await world.caughtUp();
      web.writeLine(stream, WORDS);
      for (const line of named('line', 20, 40)) web.writeLine('stdout', line);
      const stored = (): string[] => world.loki.entries().map(({ line }) => line);
      await until('what follows is stored', () => stored().includes('line 39'), { instead: stored });
      expect(stored().filter((line) => !isGapText(line))).toEqual(named('line', 0, 40));
      expect(stored().filter(isGapText)).toHaveLength(1);
      for (const line of named('line', 40, 50)) web.writeLine('stdout', line);
      await until('later lines are stored', () => stored().includes('line 49'), { instead: stored });
    });
  });
});
