import { join } from 'node:path';
import type { z } from 'zod';
import { isReadSince } from '../../../src/commands/demo/drain.js';
import { rejectedPath } from '../../../src/commands/wiring/loki-parts.js';
import { observeParts, type ObserveParts } from '../../../src/commands/wiring/observe-parts.js';
import { createService, type Service } from '../../../src/commands/wiring/service.js';
import type { ContainerStatus } from '../../../src/commands/wiring/status-parts.js';
import type { MissedReason } from '../../../src/collector/observer.js';
import type { PollReport } from '../../../src/collector/poll.js';
import { configSchema, type Config } from '../../../src/config/schema.js';
import type { Clock } from '../../../src/model/clock.js';
import type { ContainerSummary } from '../../../src/model/container.js';
import { sharedController } from '../../../src/model/shared-controller.js';
import { systemClock } from '../../../src/model/system-clock.js';
import { seededRandom, type EngineSimulator } from '../../../src/simulators/engine/index.js';
import type { LokiSimulator } from '../../../src/simulators/loki/index.js';
import { metricSum } from '../metric-sum.js';
import { RecordingLogger } from '../recording-logger.js';
import { withSimulators, type SimulatorsOptions } from '../simulators.js';
import { until } from '../until.js';
import { accountsOf, type AccountSources, type ContainerAccount } from './account.js';

/** Settings as the YAML file has them. */
export type Settings = z.input<typeof configSchema>;

/** The clock is that of the collector as well. */
export interface CollectingOptions extends SimulatorsOptions {
  readonly settings?: Settings;
}

export interface Missed {
  readonly container: ContainerSummary;
  readonly reason: MissedReason;
}

/**
 * Short intervals, so that the tests are quick. What bounds a request is generous: on a busy machine a simulator
 * answers late, and a request that is given up for that is sent again, which is no fault of the collector.
 */
const QUICK: Settings = {
  docker: { timeout: '2m' },
  discovery: { events_interval: '100ms', list_interval: '1s' },
  poll: {
    interval: '200ms',
    min_interval: '50ms',
    max_interval: '400ms',
    deadline: '10m',
    idle_timeout: '2m',
  },
  // A line left open for long is one line in the account, and must not become two here.
  lines: { open_max_age: '1h' },
  loki: {
    timeout: '2m',
    batch: { max_age: '100ms' },
    backoff: { min: '20ms', max: '200ms' },
    outage_grace: '200ms',
    // Longer than a delayed answer takes after the client has given up on it.
    settle_time: '1s',
  },
  status: { listen: '127.0.0.1:0' },
};

/**
 * For tests in which an Engine or a Loki hangs: short bounds of a request. A busy machine may exceed them as well, so
 * such a test must hold for a request that is sent again: it counts what is stored, not what was sent.
 */
export const SHORT_TIMEOUTS = {
  docker: { timeout: '3s' },
  poll: { deadline: '15s', idle_timeout: '3s' },
  loki: { timeout: '3s' },
} satisfies Settings;

/** The service itself, in this process, between a simulated Engine and a simulated Loki. */
export class CollectingWorld {
  readonly config: Config;
  readonly engine: EngineSimulator;
  readonly loki: LokiSimulator;
  readonly clock: Clock;
  /** All that was said, by all services that ran here. */
  readonly log: ClosableRecorder;
  readonly missed: Missed[] = [];
  /** How many polls of each container by the service that runs came to an answer, by its id. */
  readonly #polls = new Map<string, number>();
  /** The containers whose log was read to its end by the service that runs, by id. */
  readonly #readToEnd = new Set<string>();
  readonly #seed: number;
  #service: Service | undefined;
  #observe: ObserveParts | undefined;
  #end = sharedController();
  #running: Promise<void> = Promise.resolve();

  /** Use withCollector. */
  constructor(config: Config, engine: EngineSimulator, loki: LokiSimulator, clock: Clock, seed: number) {
    this.config = config;
    this.engine = engine;
    this.loki = loki;
    this.clock = clock;
    this.log = new ClosableRecorder();
    this.#seed = seed;
  }

  get service(): Service {
    if (this.#service === undefined) throw new Error('the service was not started');
    return this.#service;
  }

  get health(): ObserveParts['health'] {
    return this.#parts.health;
  }

  get rejectedFile(): string {
    return rejectedPath(this.config);
  }

  get #parts(): ObserveParts {
    if (this.#observe === undefined) throw new Error('the service was not started');
    return this.#observe;
  }

  /** Starts the service; again after stop(), on the same state directory. */
  async start(): Promise<void> {
    this.#polls.clear();
    this.#readToEnd.clear();
    this.#observe = observeParts(this.config, this.clock, this.log);
    this.#service = await createService({
      config: this.config,
      clock: this.clock,
      random: seededRandom(this.#seed),
      observe: this.#observe,
      command: 'pollard run',
      witness: {
        polled: (container: ContainerSummary, report: PollReport) => {
          if (report.fault !== undefined) return;
          this.#polls.set(container.id, this.pollsOf(container.id) + 1);
          if (!report.suspect) this.#readToEnd.add(container.id);
        },
        missed: (container, reason) => this.missed.push({ container, reason }),
      },
    });
    this.#end = sharedController();
    this.#running = this.#service.run(this.#end.signal);
    // A failure is told by stop(); here it only must not count as unhandled.
    this.#running.catch(() => undefined);
  }

  /** Stops the service in order. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  /** What became of every line. @param known what the Engine did that a collector cannot know */
  async accounts(
    known: Pick<AccountSources, 'madeUp' | 'destructions'> = {},
  ): Promise<Map<string, ContainerAccount>> {
    const { engine, loki, rejectedFile } = this;
    const missed = new Set(this.missed.map(({ container }) => container.id));
    return await accountsOf({ engine, loki, rejectedFile, mayLack: (id) => missed.has(id), ...known });
  }

  /** How many polls of a container by the service that runs came to an answer. */
  pollsOf(containerId: string): number {
    return this.#polls.get(containerId) ?? 0;
  }

  /** A page of the status server. */
  async page(path: string): Promise<{ readonly status: number; readonly text: string }> {
    // A clock that leaps would end a connection that is kept for the next request, and one that is being answered.
    const headers = { connection: 'close' };
    for (let tries = 3; ; tries--) {
      try {
        const answer = await fetch(`${this.service.url ?? ''}${path}`, { headers });
        return { status: answer.status, text: await answer.text() };
      } catch (error) {
        if (tries === 1) throw error;
      }
    }
  }

  /** The sum of a metric over all its labels; 0 when it is not there. */
  async metric(name: string): Promise<number> {
    return metricSum((await this.page('/metrics')).text, name);
  }

  /** Waits until the service that runs has read and delivered, or named as lost, all that was written until now. */
  async caughtUp(): Promise<void> {
    // The status has whole milliseconds: a poll that began in the same one may have begun before.
    const since = this.clock.monotonic() + 1;
    const isDone = isReadSince(() => (this.clock.monotonic() - since) / 1000);
    await this.#each('has read all that was written', (container, id) => {
      return this.#readToEnd.has(id) && isDone(container);
    });
  }

  /** Waits until each container has ended, and was read to its end. */
  async drained(): Promise<void> {
    await this.#each('has read all to the end', ({ life }) => life === 'drained');
  }

  /** Holds for each container that the Engine has; of others, nothing more will come. */
  async #each(what: string, isDone: (container: ContainerStatus, id: string) => boolean): Promise<void> {
    const left = (): string[] => {
      const known = new Map(this.service.containers().map((container) => [container.id, container]));
      return this.engine.containers
        .map(({ id }) => ({ id, status: known.get(id.slice(0, 12)) }))
        .filter(({ id, status }) => status === undefined || !isDone(status, id))
        .map(({ id, status }) => (status === undefined ? id : JSON.stringify(status)));
    };
    const gone = (): boolean =>
      this.service
        .containers()
        .every(({ life, id }) => life !== 'active' || this.engine.find(id) !== undefined);
    await until(`the collector ${what}`, () => left().length === 0 && gone(), { instead: left });
  }
}

/** Keeps what is said, as the service's own logger. */
export class ClosableRecorder extends RecordingLogger {
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Runs with a collector between simulators of its own, of which nothing is left afterwards. */
export async function withCollector(
  options: CollectingOptions,
  use: (world: CollectingWorld) => Promise<void>,
): Promise<void> {
  const { clock = systemClock, seed = 1, settings = {} } = options;
  await withSimulators({ ...options, profile: options.profile ?? '28.5', clock }, async (simulators) => {
    const { engine, loki, folder } = simulators;
    const places: Settings = {
      collector: { state_dir: join(folder, 'state'), host: 'here' },
      docker: { host: `unix://${engine.socketPath}` },
      loki: { url: loki.url },
    };
    const config = configSchema.parse(merged(merged(QUICK, settings), places));
    const world = new CollectingWorld(config, engine, loki, clock, seed);
    try {
      await use(world);
    } finally {
      loki.clearOutages();
      engine.clearFaults();
      await world.stop();
    }
  });
}

/** The second one's settings over the first one's. */
export function merged(one: Settings, other: Settings): Settings {
  const result: Record<string, unknown> = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const before = result[key];
    result[key] =
      isSection(before) && isSection(value) ? merged(before as Settings, value as Settings) : value;
  }
  return result;
}

function isSection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
