import { join } from 'node:path';
import { Writable } from 'node:stream';
import { catchUp, type CatchUpSummary } from '../../src/collector/catch-up.js';
import { DockerEngine } from '../../src/collector/docker-engine.js';
import { dockerLogSource } from '../../src/collector/docker-log-source.js';
import { Fleet } from '../../src/collector/fleet.js';
import { MemoryBudget } from '../../src/collector/memory-budget.js';
import { PollRunner } from '../../src/collector/poll-runner.js';
import { resend, type ResendFlags } from '../../src/commands/resend.js';
import { verify, type VerifyFlags, type VerifyParts } from '../../src/commands/verify.js';
import { EntryBatch } from '../../src/loki/batch.js';
import { BufferPool } from '../../src/loki/buffer-pool.js';
import { createPusher, type Pusher } from '../../src/loki/pusher.js';
import { RejectedStore } from '../../src/loki/rejected-store.js';
import type { RejectedSink } from '../../src/loki/rejected.js';
import { streamTarget, type StreamTarget } from '../../src/loki/stream-target.js';
import { createTransport, type LokiTransport } from '../../src/loki/transport.js';
import type { ContainerSummary, StreamName } from '../../src/model/container.js';
import type { Cursor } from '../../src/model/cursor.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../src/model/nanoseconds.js';
import type { EngineProfileName, EngineSimulator } from '../../src/simulators/engine/index.js';
import type { LokiSimulator, LokiSimulatorOptions } from '../../src/simulators/loki/index.js';
import { engineApi, never } from './engine-api.js';
import { LeapingClock } from './leaping-clock.js';
import { recordingObserver } from './recording-observer.js';
import { withSimulators } from './simulators.js';

export interface WorldOptions {
  readonly engine?: EngineProfileName;
  readonly loki?: Omit<LokiSimulatorOptions, 'clock'>;
  readonly maxLineBytes?: number;
  readonly moveEqualStamps?: boolean;
  readonly memoryBytes?: number;
  /** ms for one request to Loki. */
  readonly timeoutMs?: number;
  readonly structuredMetadata?: boolean;
}

/** The verdict of a command, and what it wrote. */
export interface Ended {
  readonly code: number;
  readonly text: string;
}

/** A simulated Engine and a simulated Loki, a collector between them, and the commands that look at both. */
export interface VerifyWorld {
  readonly dir: string;
  readonly clock: LeapingClock;
  readonly engine: EngineSimulator;
  readonly loki: LokiSimulator;
  readonly cursors: ReadonlyMap<string, Cursor>;
  readonly rejectedFile: string;
  /** Collects all that there is, as `pollard catch-up` does. */
  collect(): Promise<CatchUpSummary>;
  verify(flags?: Partial<VerifyFlags>, over?: Partial<VerifyParts>): Promise<Ended>;
  /** `verify --json`, read. */
  report(flags?: Partial<VerifyFlags>, over?: Partial<VerifyParts>): Promise<VerifyDocument>;
  /** How the Engine's logs are read, as `verify` is told. */
  readonly logs: VerifyParts['logs'];
  /** Sends entries of one timestamp, as builds before the pieces of lines had timestamps of their own sent those. */
  pushAsBefore(name: string, stream: StreamName, stamp: Nanoseconds, lines: readonly Buffer[]): Promise<void>;
  /** What `verify --repair` sends with. */
  readonly repair: NonNullable<VerifyParts['repair']>;
  /** What `verify` works with where `collector.host` is another; with `repair`. */
  onHost(
    host: string,
  ): Pick<VerifyParts, 'streamLabels'> & { readonly repair: NonNullable<VerifyParts['repair']> };
  resend(flags?: Partial<ResendFlags>): Promise<Ended>;
}

export type Counts = Record<string, number> & { loki_only: Record<string, number> };

export interface VerifyDocument {
  readonly exit_code: number;
  readonly totals: Counts;
  readonly withheld: number;
  readonly failure: { code: string } | null;
  readonly notes: string[];
  readonly containers: {
    container: string;
    status: string;
    reason: string | null;
    judged_by: string;
    streams: Record<StreamName, Counts>;
    other_labels: { labels: string; lines: number }[];
    refusals: { kind: string; lines: number; reason: string }[];
    samples: Record<string, { stream: string; timestamp: string; text: string }[]>;
  }[];
}

const SPAN = 50n * 60n * NS_PER_SECOND;
const LINE_BYTES = 256 * 1024;

export async function withVerifyWorld(
  options: WorldOptions,
  use: (world: VerifyWorld) => Promise<void>,
): Promise<void> {
  const clock = new LeapingClock();
  const { engine: profile = '28.5', loki: limits = {}, timeoutMs = 30_000 } = options;
  await withSimulators({ clock, profile, loki: limits }, async ({ engine, loki, folder: dir }) => {
    const transport = await createTransport({ url: loki.url, headers: {}, timeoutMs, maxInFlight: 4 });
    try {
      await use(await makeWorld(options, { clock, dir, loki, transport, engine }));
    } finally {
      await transport.close();
    }
  });
}

interface Places {
  readonly clock: LeapingClock;
  readonly dir: string;
  readonly loki: LokiSimulator;
  readonly transport: LokiTransport;
  readonly engine: EngineSimulator;
}

async function makeWorld(options: WorldOptions, places: Places): Promise<VerifyWorld> {
  const { clock, dir, loki, transport, engine } = places;
  const { api, ledger } = engineApi(engine.socketPath, { clock });
  const readLogs = dockerLogSource({ api, ledger, maxFrameBytes: 4 * 1024 * 1024, idleTimeout: 30_000 });
  const dockerEngine = new DockerEngine(api, clock);
  const sinceSemantics = () => api.versions.agreed?.since ?? 'filter';
  const cursors = new Map<string, Cursor>();
  const rejectedFile = join(dir, 'rejected.jsonl');
  const pool = new BufferPool(4 * 1024 * 1024);
  const bounds = { maxBytes: 3 * 1024 * 1024, maxSpan: SPAN };
  const metadata = options.structuredMetadata ?? true;
  const labelsOn = (host: string) => (container: ContainerSummary, stream: StreamName) => ({
    container: container.name,
    image: container.image,
    host,
    job: 'docker',
    stream,
  });
  const streamLabels = labelsOn('h');
  const targetOf = (container: ContainerSummary, stream: StreamName, labels = streamLabels): StreamTarget =>
    streamTarget({
      labels: labels(container, stream),
      ...(metadata ? { structuredMetadata: { container_id: container.id } } : {}),
      containerName: container.name,
    });
  const pusherTo = (rejected: RejectedSink): Pusher =>
    createPusher({
      transport,
      settings: {
        encoding: 'protobuf',
        maxInFlight: 4,
        backoff: { minMs: 100, maxMs: 1000, maxRetries: 3 },
        query: 'auto',
        settleMs: 100,
        limits: { maxLineBytes: LINE_BYTES, maxAgeMs: 7 * 86_400_000, maxRequestBytes: 3 * 1024 * 1024 },
      },
      clock,
      random: () => 0.5,
      rejected,
      events: {
        onAttempt: () => undefined,
        onRetry: () => undefined,
        onRejected: () => undefined,
        onNotKept: () => undefined,
        onTooOld: () => undefined,
        onState: () => undefined,
        onAsked: () => undefined,
        onReplayed: () => undefined,
      },
    });
  const withPusher = async <T>(use: (pusher: Pusher) => Promise<T>): Promise<T> => {
    const file = await RejectedStore.open({ path: rejectedFile, clock, maxBytes: 1 << 30 });
    try {
      return await use(pusherTo(file));
    } finally {
      await file.close();
    }
  };
  const push = async (pusher: Pusher, batch: unknown) => {
    if (!(batch instanceof EntryBatch)) throw new TypeError('a batch of another kind');
    return await pusher.push(batch, never);
  };
  const newBatch = (container: ContainerSummary, stream: StreamName) =>
    new EntryBatch(targetOf(container, stream), bounds, pool);
  const lines = {
    maxLineBytes: options.maxLineBytes ?? LINE_BYTES,
    moveEqualStamps: options.moveEqualStamps ?? false,
  };

  const collect = async (): Promise<CatchUpSummary> =>
    await withPusher(async (pusher) => {
      const observer = recordingObserver();
      const fleet = new Fleet({
        clock,
        selects: () => true,
        cursorOf: (id) => cursors.get(id),
        cursors: () => cursors.values(),
        forgetCursor: async () => undefined,
        completeCursor: () => undefined,
        reopenCursor: () => undefined,
        observer,
        watchSince: clock.now(),
        forgetAfter: 3_600_000,
      });
      const runner = new PollRunner({
        engine: dockerEngine,
        context: {
          read: readLogs,
          newBatch,
          push: async (batch) => await push(pusher, batch),
          commit: async (cursor) => {
            cursors.set(cursor.containerId, cursor);
          },
          budget: new MemoryBudget(16 * 1024 * 1024),
          clock,
          onGap: () => undefined,
          sinceSemantics,
          settings: {
            anchor: 32,
            batchBytes: 1024 * 1024,
            batchAge: 1000,
            maxSpan: SPAN,
            maxWaiting: 4,
            ...lines,
            gapMarker: true,
          },
          poll: {
            window: { enabled: true, anchor: 32 },
            overlap: 2n * NS_PER_SECOND,
            openMaxAge: 30_000,
          },
        },
        clock,
        random: () => 0.5,
        observer,
        interval: { adaptive: false, interval: 5000, min: 500, max: 15_000, jitter: 0 },
        start: 'beginning',
        deadline: 600_000,
        verifyEvery: 20,
        fleet,
        access: { answered: () => undefined, refused: () => undefined },
        onRemoved: (state) => fleet.removed(state),
      });
      return await catchUp({ engine: dockerEngine, fleet, runner, concurrency: 4, clock }, never);
    });

  const logs = { read: readLogs, sinceSemantics, ...lines };
  const verifyWith = async (flags: Partial<VerifyFlags>, over: Partial<VerifyParts>): Promise<Ended> =>
    await withPusher(async (pusher) => {
      const out = new Collected();
      // The range ends before now.
      clock.pass(1);
      const code = await verify(
        {
          engine: dockerEngine,
          logs,
          transport,
          streamLabels,
          idIsSent: metadata,
          cursorOf: (id) => cursors.get(id),
          rejectedFile,
          clock,
          random: () => 0.5,
          settings: { memoryBytes: options.memoryBytes ?? 4 * 1024 * 1024, concurrency: 2, settleMs: 60_000 },
          out,
          ...over,
          ...(over.repair === undefined
            ? {}
            : { repair: { ...over.repair, push: async (batch) => await push(pusher, batch) } }),
        },
        { containers: [], json: false, ...flags },
        never,
      );
      return { code, text: out.text };
    });

  const repair: NonNullable<VerifyParts['repair']> = {
    batchBytes: 1024 * 1024,
    newBatch,
    push: async () => {
      throw new Error('the pusher is put in its place');
    },
  };
  return {
    dir,
    clock,
    engine,
    loki,
    cursors,
    rejectedFile,
    collect,
    logs,
    pushAsBefore: async (name, stream, stamp, texts) => {
      const container = (await dockerEngine.list(never)).find((each) => each.name === name);
      if (container === undefined) throw new Error(`there is no container ${name}`);
      const batch = newBatch(container, stream);
      const [seconds, nanos] = [Number(stamp / NS_PER_SECOND), Number(stamp % NS_PER_SECOND)];
      for (const text of texts) batch.append(seconds, nanos, text, 0, text.length);
      await withPusher(async (pusher) => await pusher.push(batch, never));
    },
    repair,
    onHost: (host) => ({
      streamLabels: labelsOn(host),
      repair: {
        ...repair,
        newBatch: (container, stream) =>
          new EntryBatch(targetOf(container, stream, labelsOn(host)), bounds, pool),
      },
    }),
    verify: async (flags = {}, over = {}) => await verifyWith(flags, over),
    report: async (flags = {}, over = {}) => {
      const { text, code } = await verifyWith({ ...flags, json: true }, over);
      const document = JSON.parse(text) as VerifyDocument;
      if (document.exit_code !== code) throw new Error('the document has another exit code');
      return document;
    },
    resend: async (flags = {}) => {
      const out = new Collected();
      const code = await resend(
        {
          clock,
          newBatch: (target) => new EntryBatch(target, bounds, pool),
          newPusher: pusherTo,
          batchBytes: 1024 * 1024,
          memoryBytes: 4 * 1024 * 1024,
          out,
        },
        { file: rejectedFile, json: false, ...flags },
        never,
      );
      return { code, text: out.text };
    },
  };
}

class Collected extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}
