import { expect, jest, test } from '@jest/globals';
import type { StoredEntry } from '../../../src/simulators/loki/index.js';
import { withVerifyWorld, type VerifyWorld } from '../../support/verify-world.js';

jest.setTimeout(60_000);

const KIB = 1024;
const SELECTOR = '{job="docker"}';
const RATE = 1024 * KIB * KIB;
const limits = {
  ingestionRateBytes: RATE,
  ingestionBurstBytes: RATE,
  perStreamRateBytes: RATE,
  perStreamBurstBytes: RATE,
  shardStreams: false,
};

const stored = (world: VerifyWorld): readonly StoredEntry[] => world.loki.entries();
const joined = (world: VerifyWorld): string =>
  stored(world)
    .map(({ line }) => line)
    .join('');
const pushes = ({ loki }: VerifyWorld): number =>
  loki.requests.filter(({ path }) => path.endsWith('/push')).length;

/** A text in which no part looks like another. */
function numbers(length: number): string {
  return Array.from({ length: Math.ceil(length / 7) }, (_, i) => String(i).padStart(7, '0'))
    .join('')
    .slice(0, length);
}

/** Writes a text a little at a time, with polls and so much time between that it stays open for too long. */
async function writeSlowly(world: VerifyWorld, text: string, steps: number): Promise<void> {
  const web = world.engine.find('web') ?? world.engine.addContainer({ name: 'web', driver: 'local' });
  const bytes = Buffer.from(text);
  const step = Math.ceil(bytes.length / steps);
  for (let at = 0; at < bytes.length; at += step) {
    web.writeChunk('stdout', bytes.subarray(at, at + step));
    await world.collect();
    world.clock.pass(45_000);
    await world.collect();
  }
}

const DELIVERED = {
  exit_code: 0,
  totals: {
    lines: 1,
    delivered: 1,
    in_pieces: 1,
    missing: 0,
    pending: 0,
    loki_only: { rotated: 0, unknown: 0 },
  },
};

describe.each([true, false])('with structured metadata: %s', (structuredMetadata) => {
  const options = { structuredMetadata, loki: { limits } };

  test('a line of 1 MiB of one letter is one line, in pieces; without one of them it is missing, until that is sent', async () => {
    await withVerifyWorld(options, async (world) => {
      const text = 'A'.repeat(1024 * KIB);
      world.engine.addContainer({ name: 'web' }).writeLine('stdout', text);
      await world.collect();
      expect(await world.report()).toMatchObject(DELIVERED);
      const before = stored(world);
      expect(before).toHaveLength(4);
      expect(world.loki.lose(1, SELECTOR, ({ stamp }) => stamp === before[2]!.stamp)).toBe(1);
      expect(await world.report()).toMatchObject({
        exit_code: 7,
        totals: { lines: 1, delivered: 0, missing: 1, loki_only: { unknown: 0 } },
      });
      expect(await world.report({}, { repair: world.repair })).toMatchObject({
        exit_code: 0,
        totals: { lines: 1, delivered: 1, repaired: 1, in_pieces: 1, missing: 0 },
      });
      expect(world.loki.requests.findLast(({ path }) => path.endsWith('/push'))?.push?.received).toBe(1);
      expect(stored(world).map(({ line, ...entry }) => ({ ...entry, bytes: line.length }))).toEqual(
        before.map(({ line, ...entry }) => ({ ...entry, bytes: line.length })),
      );
      expect(await world.report()).toMatchObject(DELIVERED);
    });
  });

  test.each([
    ['500,000 bytes', 500_000, 5],
    ['a progress bar of 3 MB', 3_000_000, 7],
  ])(
    '%s, delivered in pieces before the newline comes, are not missing, and nothing is sent twice',
    async (_, length, steps) => {
      await withVerifyWorld(options, async (world) => {
        const text = numbers(length);
        await writeSlowly(world, text, steps);
        const open = await world.report({}, { repair: world.repair });
        expect(open).toMatchObject({
          exit_code: 0,
          totals: { lines: 1, delivered: 1, pending: 0, missing: 0, loki_only: { unknown: 0 } },
        });
        world.engine.find('web')?.writeChunk('stdout', 'end\n');
        await world.collect();
        expect(joined(world) === `${text}end`).toBe(true);
        const before = pushes(world);
        expect(await world.report({}, { repair: world.repair })).toMatchObject(DELIVERED);
        expect(pushes(world)).toBe(before);
      });
    },
  );

  test.each(['first', 'middle', 'last'] as const)(
    'of a line that was cut where nothing tells, the %s piece is missing, and exactly that is sent',
    async (which) => {
      await withVerifyWorld(options, async (world) => {
        const text = `${numbers(700_000)}€`;
        await writeSlowly(world, text, 5);
        world.engine.find('web')?.writeChunk('stdout', 'end\n');
        await world.collect();
        const before = stored(world);
        expect(before.length).toBeGreaterThan(3);
        const lost = { first: 0, middle: 2, last: before.length - 1 }[which];
        world.loki.lose(1, SELECTOR, ({ stamp }) => stamp === before[lost]!.stamp);
        expect(await world.report()).toMatchObject({ exit_code: 7, totals: { lines: 1, missing: 1 } });
        await world.report({}, { repair: world.repair });
        expect(joined(world) === `${text}end`).toBe(true);
        expect(stored(world)).toHaveLength(before.length);
        expect(await world.report()).toMatchObject(DELIVERED);
      });
    },
  );

  test('by another lines.max_bytes than now', async () => {
    await withVerifyWorld({ ...options, maxLineBytes: 20 * KIB }, async (world) => {
      world.engine.addContainer({ name: 'web' }).writeLine('stdout', numbers(300_000));
      await world.collect();
      expect(stored(world).length).toBeGreaterThan(10);
      const logs = { ...world.logs, maxLineBytes: 256 * KIB };
      expect(await world.report({}, { logs })).toMatchObject(DELIVERED);
    });
  });

  test('of a line that is half delivered nothing is missing, unless what was delivered is', async () => {
    await withVerifyWorld({ ...options, maxLineBytes: 20 * KIB }, async (world) => {
      const web = world.engine.addContainer({ name: 'web' });
      web.writeChunk('stdout', numbers(100_000));
      await world.collect();
      expect(stored(world).length).toBeGreaterThan(2);
      const { totals } = await world.report();
      expect(totals).toMatchObject({ lines: 1, delivered: 0, pending: 1, missing: 0 });
      const first = stored(world)[0]!;
      world.loki.lose(1, SELECTOR, ({ stamp }) => stamp === first.stamp);
      expect((await world.report()).totals).toMatchObject({ lines: 1, pending: 0, missing: 1 });
    });
  });
});

describe('a line in pieces of an earlier build, which all have its timestamp', () => {
  async function withEarlier(
    text: string,
    pieces: readonly Buffer[],
    use: (world: VerifyWorld) => Promise<void>,
  ): Promise<void> {
    await withVerifyWorld({ loki: { limits } }, async (world) => {
      const web = world.engine.addContainer({ name: 'web', driver: 'local' });
      const stamp = world.clock.now();
      web.writeLine('stdout', text, stamp);
      await world.pushAsBefore('web', 'stdout', stamp, pieces);
      world.clock.pass(600_000);
      await use(world);
    });
  }
  const cut = (text: string): Buffer[] => {
    const bytes = Buffer.from(text);
    return Array.from({ length: Math.ceil(bytes.length / (256 * KIB)) }, (_, i) =>
      bytes.subarray(i * 256 * KIB, (i + 1) * 256 * KIB),
    );
  };

  test('is delivered if all of its bytes are there', async () => {
    const text = numbers(600_000);
    await withEarlier(text, cut(text), async (world) => {
      expect(await world.report()).toMatchObject(DELIVERED);
    });
  });

  test('is delivered, also where it was cut inside of characters', async () => {
    const text = '€'.repeat(100_000);
    await withEarlier(text, cut(text), async (world) => {
      expect(await world.report()).toMatchObject(DELIVERED);
    });
  });

  test('is missing where Loki folded equal pieces; what is missing is sent', async () => {
    const text = 'A'.repeat(1024 * KIB);
    await withEarlier(text, cut(text), async (world) => {
      expect(stored(world)).toHaveLength(1);
      expect(await world.report()).toMatchObject({ exit_code: 7, totals: { lines: 1, missing: 1 } });
      await world.report({}, { repair: world.repair });
      expect(joined(world) === text).toBe(true);
      expect(await world.report()).toMatchObject(DELIVERED);
    });
  });
});
