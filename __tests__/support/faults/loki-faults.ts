import { randomBytes } from 'node:crypto';
import { NS_PER_MS, type Nanoseconds } from '../../../src/model/nanoseconds.js';
import type { Outage, OutageExtent } from '../../../src/simulators/loki/index.js';
import type { CollectingWorld } from '../collecting/index.js';
import type { Fault } from './fault.js';

const PUSHES: OutageExtent = { endpoint: 'push' };
const TIMES = 4;

/** All pushes meet with an outage, until it has struck a few of them. */
function outage(name: string, what: Outage, times = TIMES): Fault {
  return {
    name,
    harm: 'none',
    strike: ({ loki }) => {
      const before = loki.outagesStruck;
      const lift = loki.outage(what, PUSHES);
      return { struck: () => loki.outagesStruck >= before + times, lift };
    },
  };
}

/** Each push may meet with it. */
function sometimes(name: string, outages: readonly Outage[]): Fault {
  return {
    name,
    harm: 'none',
    strike: ({ loki }) => {
      const before = loki.outagesStruck;
      for (const what of outages) loki.outage(what, { ...PUSHES, probability: 0.3 });
      return {
        struck: () => loki.outagesStruck >= before + 4 * TIMES,
        lift: () => loki.clearOutages(),
      };
    },
  };
}

/** A Loki with such limits has answered with this status, to lines that each container says besides. */
function limited(
  name: string,
  status: number,
  harm: Fault['harm'],
  world: Fault['world'],
  lines: readonly string[],
): Fault {
  return {
    name,
    harm,
    ...(world === undefined ? {} : { world }),
    strike: ({ loki }, talkers) => {
      const answers = (): number => loki.counts().pushStatuses[status] ?? 0;
      const before = answers();
      for (const { container, kind } of talkers) {
        for (const line of lines) container.writeLine('stdout', `${kind} ${line}`);
      }
      return { struck: () => answers() > before, lift: () => undefined };
    },
  };
}

/** Each container writes lines with stamps of another time, one in each stream, among its others. */
function stamped(name: string, offset: Nanoseconds, world?: Fault['world']): Fault {
  return {
    name,
    harm: 'refuses',
    ...(world === undefined ? {} : { world }),
    // What is rotated away before it is read is named by the stamps around it, and these are of another time.
    quiet: true,
    strike: (world, talkers) => {
      for (const { container, kind } of talkers) {
        const stamp = world.clock.now() + offset;
        container.writeLine('stdout', `${kind} of another time`, stamp);
        container.writeLine('stderr', `${kind} of another time, too`, stamp + 1n);
      }
      const notAccepted = async (): Promise<number> =>
        refused(world) + (await world.metric('pollard_skipped_too_old_lines_total'));
      return { struck: async () => (await notAccepted()) >= 2 * talkers.length, lift: () => undefined };
    },
  };
}

function refused({ loki }: CollectingWorld): number {
  return Object.values(loki.counts().refused).reduce((sum, count) => sum + count, 0);
}

const KIB = 1024;
const HOUR: Nanoseconds = 3_600_000n * NS_PER_MS;

const STATUSES: readonly Fault[] = [
  ...[408, 429, 500, 502, 503, 504].map((status) => outage(`status ${status}`, { status })),
  ...[260, 301, 401, 403, 404, 405].map((status) => outage(`status ${status}`, { status }, 2)),
  outage('a page of HTML with status 200', { status: 200, body: '<html>welcome</html>' }, 2),
  outage('a page of HTML with status 400', { status: 400 }, 2),
  outage('status 429 with a Retry-After', { status: 429, retryAfter: '1' }, 2),
  outage('status 503 with a Retry-After of 0', { status: 503, retryAfter: '0' }),
  outage('status 500, although it was stored', { status: 500, afterAccept: true }),
];

const CONNECTIONS: readonly Fault[] = [
  outage('connections refused', 'refuse'),
  outage('reset before it was stored', 'reset'),
  outage('reset after it was stored', 'reset-after-accept'),
  outage('a hang', 'hang', 2),
  outage('a hang after it was stored', 'hang-after-accept', 2),
  {
    name: 'it stands still, and goes on with all that waits in its sockets',
    harm: 'none',
    strike: ({ loki }) => {
      const before = loki.outagesStruck;
      const lift = loki.outage('freeze');
      return { struck: () => loki.outagesStruck >= before + TIMES, lift };
    },
  },
  outage('pushes stand still, and questions are answered', 'freeze'),
  outage('slow', { delayMs: 200 }),
  outage('slower than the time allowed', { delayMs: 1500 }, 2),
  {
    name: 'nothing listens',
    harm: 'none',
    strike: async ({ loki, log }) => {
      await loki.stopListening();
      const noticed = (): boolean => log.messages.some(({ message }) => message.includes('nothing is read'));
      return { struck: noticed, lift: async () => await loki.listen() };
    },
  },
  sometimes('now and then reset, before or after it was stored', ['reset', 'reset-after-accept']),
  sometimes('now and then status 429 or 500', [
    { status: 429 },
    { status: 500 },
    { status: 500, afterAccept: true },
  ]),
];

/** Lines of so many bytes that no compression makes smaller. */
function noise(count: number, bytes: number): string[] {
  return Array.from({ length: count }, () => randomBytes(bytes / 2).toString('hex'));
}

const LIMITS: readonly Fault[] = [
  limited(
    '429: more than the tenant may send',
    429,
    'none',
    { loki: { limits: { ingestionRateBytes: 500 * KIB, ingestionBurstBytes: 100 * KIB } } },
    noise(8, 15_000),
  ),
  limited(
    '429: more than one stream may send',
    429,
    'none',
    {
      loki: {
        limits: { perStreamRateBytes: 500 * KIB, perStreamBurstBytes: 100 * KIB, shardStreams: false },
      },
    },
    noise(10, 15_000),
  ),
  limited(
    '413: a gateway that takes small bodies only',
    413,
    'none',
    { loki: { gateway: { maxBodyBytes: 8000 } } },
    noise(5, 4000),
  ),
  limited(
    '413: a line that is too large for the gateway',
    413,
    'refuses',
    { loki: { gateway: { maxBodyBytes: 70_000 } } },
    noise(1, 100_000),
  ),
  limited(
    '400: lines that are too long',
    400,
    'refuses',
    { loki: { limits: { maxLineBytes: 16 * KIB } } },
    noise(1, 20_000),
  ),
  limited(
    '500: more than a message may have',
    500,
    'none',
    { loki: { limits: { grpcMaxMessageBytes: 60 * KIB } } },
    noise(5, 15_000),
  ),
];

const STAMPS: readonly Fault[] = [
  stamped('lines too far behind, which a 204 of several streams would hide', -2n * HOUR),
  stamped('lines that are too old', -8n * 24n * HOUR),
  stamped('lines of the future', HOUR, { settings: { loki: { too_new_patience: '2s' } } }),
];

/** What a Loki, or what stands before it, may do wrong. */
export const LOKI_FAULTS: readonly Fault[] = [...STATUSES, ...CONNECTIONS, ...LIMITS, ...STAMPS];
