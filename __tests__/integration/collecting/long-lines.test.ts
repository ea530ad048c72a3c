import { expect, test } from '@jest/globals';
import { withCollector, type CollectingWorld, type Settings } from '../../support/collecting/index.js';

const KIB = 1024;
/** What is sent in these tests must not meet with Loki's rates. */
const RATE = 1024 * KIB * KIB;
const limits = {
  ingestionRateBytes: RATE,
  ingestionBurstBytes: RATE,
  perStreamRateBytes: RATE,
  perStreamBurstBytes: RATE,
  shardStreams: false,
};

const A = 'A'.repeat(256 * KIB);
const B = 'B'.repeat(256 * KIB);

/** Collects lines of one container, and returns what Loki holds of it, in the order of the timestamps. */
async function collected(
  lines: readonly (string | Buffer)[],
  settings: Settings,
  driver: string,
  use: (world: CollectingWorld) => Promise<void> = async () => undefined,
): Promise<string[]> {
  let stored: string[] = [];
  await withCollector({ settings, loki: { limits } }, async (world) => {
    const container = world.engine.addContainer({ name: 'a', driver });
    await world.start();
    for (const line of lines) container.writeLine('stdout', line);
    await world.caughtUp();
    await use(world);
    stored = world.loki.entries().map(({ line }) => line);
  });
  return stored;
}

test.each(['json-file', 'local'])(
  'a line of 1 MiB of one letter is in Loki with all its bytes (%s)',
  async (driver) => {
    const stored = await collected([A + A + A + A], {}, driver);
    expect(stored.join('').length).toBe(1_048_576);
    expect(stored).toEqual([A, A, A, A]);
  },
);

test('blocks A, A, B, A of a line stay four, and in this order', async () => {
  expect(await collected([A + A + B + A], {}, 'json-file')).toEqual([A, A, B, A]);
});

test.each(['protobuf', 'json'] as const)(
  'a line of 100,000 euro signs is cut between two of them (%s)',
  async (encoding) => {
    const stored = await collected(['€'.repeat(100_000)], { loki: { encoding } }, 'local', async (world) => {
      expect(await world.metric('pollard_rejected_lines_total')).toBe(0);
    });
    expect(stored.join('')).toBe('€'.repeat(100_000));
    expect(stored.every((line) => Buffer.byteLength(line) <= 256 * KIB)).toBe(true);
  },
);

test('bytes that are not UTF-8 do not make a piece too long when they are sent as JSON', async () => {
  const bytes = Buffer.alloc(200_000, 0x80);
  const settings: Settings = { loki: { encoding: 'json' } };
  const stored = await collected([bytes, 'after'], settings, 'local', async (world) => {
    expect(await world.metric('pollard_rejected_lines_total')).toBe(0);
  });
  expect(stored.slice(0, -1).join('')).toBe('\ufffd'.repeat(200_000));
  expect(stored.at(-1)).toBe('after');
  expect(Math.max(...stored.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(256 * KIB);
});

test.each(['protobuf', 'json'] as const)(
  'pieces of 1 KiB join to the line, and say which of how many they are (%s)',
  async (encoding) => {
    const line = JSON.stringify({ text: 'é漢😀x'.repeat(5000), end: true });
    await withCollector(
      { settings: { lines: { max_bytes: KIB }, loki: { encoding } }, loki: { limits } },
      async (world) => {
        const container = world.engine.addContainer({ name: 'a', driver: 'local' });
        await world.start();
        container.writeLine('stdout', line);
        container.writeLine('stdout', 'short');
        await world.caughtUp();
        const entries = world.loki.entries().map((entry) => ({ ...entry, metadata: ownOf(entry.metadata) }));
        const pieces = entries.slice(0, -1);
        expect(pieces.map((entry) => entry.line).join('')).toBe(line);
        expect(pieces.every((entry) => Buffer.byteLength(entry.line) <= KIB)).toBe(true);
        const [first] = pieces as [(typeof pieces)[number]];
        expect(pieces.map(({ stamp }) => stamp - first.stamp)).toEqual(pieces.map((_, i) => BigInt(i)));
        expect(pieces.map(({ metadata }) => metadata)).toEqual(
          pieces.map((_, i) => ({
            container_id: container.id,
            line_id: String(first.stamp),
            line_piece: String(i + 1),
            ...(i === pieces.length - 1 ? { line_pieces: String(pieces.length) } : {}),
          })),
        );
        expect(entries.at(-1)?.metadata).toEqual({ container_id: container.id });
      },
    );
  },
);

/** Without the level that the distributor adds. */
function ownOf(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== 'detected_level'));
}

test('without structured metadata pieces have timestamps of their own all the same', async () => {
  await withCollector(
    {
      settings: { labels: { structured_metadata: false } },
      loki: { limits: { ...limits, allowStructuredMetadata: false } },
    },
    async (world) => {
      const container = world.engine.addContainer({ name: 'a' });
      await world.start();
      container.writeLine('stdout', A + A);
      await world.caughtUp();
      const entries = world.loki.entries();
      expect(entries.map(({ line }) => line)).toEqual([A, A]);
      expect(entries.map(({ metadata }) => metadata)).toEqual([{}, {}]);
    },
  );
});
