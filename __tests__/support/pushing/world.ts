import { join } from 'node:path';
import { BufferPool } from '../../../src/loki/buffer-pool.js';
import { createPusher, type Pusher, type PushResult } from '../../../src/loki/pusher.js';
import { RejectedStore } from '../../../src/loki/rejected-store.js';
import type { RejectedSink } from '../../../src/loki/rejected.js';
import type { LokiSettings } from '../../../src/loki/settings.js';
import { StreamDoubts } from '../../../src/loki/stream-doubts.js';
import type { StreamTarget } from '../../../src/loki/stream-target.js';
import { createTransport, type LokiTransport } from '../../../src/loki/transport.js';
import { seededRandom } from '../../../src/simulators/engine/index.js';
import {
  startLokiSimulator,
  type LokiRequest,
  type LokiSimulator,
  type LokiSimulatorOptions,
} from '../../../src/simulators/loki/index.js';
import { LeapingClock } from '../leaping-clock.js';
import { batchesOf, BOUNDS, NOW, testTarget, type PushLine } from '../push-lines.js';
import { RecordingPushObserver } from '../push-recorders.js';
import { withFolder } from '../test-folder.js';

export interface PushingOptions {
  /** How the simulated Loki is other than by default. */
  readonly loki?: Omit<LokiSimulatorOptions, 'clock' | 'port'>;
  /** How Pollard is set other than by default; the URL is that of the simulator unless it is given. */
  readonly settings?: Partial<LokiSettings>;
  /** Where refused lines go; default: a file of the world's own. */
  readonly rejected?: RejectedSink;
}

/** As by default, but for a bound that no busy machine meets: tests in which Loki hangs set their own. */
const SETTINGS: Omit<LokiSettings, 'url'> = {
  headers: {},
  encoding: 'protobuf',
  timeoutMs: 60_000,
  maxInFlight: 4,
  backoff: { minMs: 500, maxMs: 30_000, maxRetries: 0 },
  query: 'auto',
  settleMs: 3000,
  limits: { maxLineBytes: 256 * 1024, maxAgeMs: 7 * 24 * 3_600_000, maxRequestBytes: 3 * 1024 * 1024 },
};

const never = new AbortController().signal;

/** How many lines Loki has taken, and refused. */
export type Settled = Pick<PushResult, 'accepted' | 'rejected'>;

/** Lines that were handed over for one stream. */
export interface Sent {
  readonly target: StreamTarget;
  readonly line: PushLine;
}

/**
 * Pusher and transport as the collector has them, before a strict Loki. Both have one clock, on which nobody
 * waits: what heals with time heals at once. Only what is bounded by the transport takes real time.
 */
export class PushingWorld {
  readonly clock: LeapingClock;
  readonly told = new RecordingPushObserver();
  readonly sent: Sent[] = [];
  readonly rejectedPath: string;
  readonly transport: LokiTransport;
  readonly #newPusher: (doubts: StreamDoubts) => Pusher;
  #doubts = new StreamDoubts(false);
  #pusher: Pusher;
  readonly #rejected: RejectedStore;
  #loki: LokiSimulator;

  private constructor(
    clock: LeapingClock,
    loki: LokiSimulator,
    transport: LokiTransport,
    rejected: RejectedStore,
    rejectedPath: string,
    options: PushingOptions,
  ) {
    this.clock = clock;
    this.#loki = loki;
    this.transport = transport;
    this.#rejected = rejected;
    this.rejectedPath = rejectedPath;
    this.#newPusher = (doubts) =>
      createPusher({
        transport,
        settings: { ...SETTINGS, ...options.settings },
        clock,
        random: seededRandom(1),
        rejected: options.rejected ?? rejected,
        events: this.told,
        doubts,
      });
    this.#pusher = this.#newPusher(this.#doubts);
  }

  /** Use withPushing. */
  static async open(folder: string, options: PushingOptions): Promise<PushingWorld> {
    const clock = new LeapingClock(NOW);
    const loki = await startLokiSimulator({ random: seededRandom(2), ...options.loki, clock });
    const rejectedPath = join(folder, 'state', 'rejected.jsonl');
    const transport = await createTransport({ ...SETTINGS, url: loki.url, ...options.settings });
    const rejected = await RejectedStore.open({ path: rejectedPath, clock, maxBytes: 1 << 30 });
    return new PushingWorld(clock, loki, transport, rejected, rejectedPath, options);
  }

  get pusher(): Pusher {
    return this.#pusher;
  }

  get doubts(): StreamDoubts {
    return this.#doubts;
  }

  /** Another process in the place of one that was killed. */
  restart(): void {
    this.#doubts = new StreamDoubts(true);
    this.#pusher = this.#newPusher(this.#doubts);
  }

  /** The questions so far: requests to read. */
  get questions(): readonly LokiRequest[] {
    return this.loki.requests.filter(({ path }) => path === '/loki/api/v1/query_range');
  }

  get loki(): LokiSimulator {
    return this.#loki;
  }

  /** The requests to push so far. */
  get pushes(): readonly LokiRequest[] {
    return this.loki.requests.filter(({ path }) => path === '/loki/api/v1/push');
  }

  /**
   * Hands lines over as the collector does: in batches, one after the other, each in a request of its own.
   *
   * @returns the sum of what became of them
   */
  async push(
    lines: readonly PushLine[],
    target: StreamTarget = testTarget(),
    signal: AbortSignal = never,
  ): Promise<Settled> {
    this.sent.push(...lines.map((line) => ({ target, line })));
    return await this.pushAgain(lines, target, signal);
  }

  /** The same for lines that were handed over before. */
  async pushAgain(
    lines: readonly PushLine[],
    target: StreamTarget = testTarget(),
    signal: AbortSignal = never,
  ): Promise<Settled> {
    let accepted = 0;
    let rejected = 0;
    const pool = new BufferPool(1 << 24);
    for (const batch of batchesOf(lines, target, BOUNDS, pool)) {
      const result = await this.pusher.push(batch, signal);
      accepted += result.accepted;
      rejected += result.rejected;
    }
    return { accepted, rejected };
  }

  /** Another Loki in the place of this one, which has nothing of what was stored: someone has changed its limits. */
  async replaceLoki(options: Omit<LokiSimulatorOptions, 'clock' | 'port'>): Promise<void> {
    const { port } = this.#loki;
    await this.#loki.close();
    this.#loki = await startLokiSimulator({ random: seededRandom(3), ...options, port, clock: this.clock });
  }

  async close(): Promise<void> {
    await this.transport.close();
    await this.#rejected.close();
    await this.#loki.close();
  }
}

/** Runs before a Loki of its own, of which nothing is left afterwards. */
export async function withPushing(
  options: PushingOptions,
  use: (world: PushingWorld) => Promise<void>,
): Promise<void> {
  await withFolder('push', async (folder) => {
    const world = await PushingWorld.open(folder, options);
    try {
      await use(world);
    } finally {
      await world.close();
    }
  });
}
