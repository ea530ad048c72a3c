import { Discovery } from '../../collector/discovery.js';
import { LokiGate } from '../../collector/loki-gate.js';
import { runTogether } from '../../collector/run-together.js';
import { Scheduler } from '../../collector/scheduler.js';
import type { Config } from '../../config/schema.js';
import type { SocketLedger } from '../../docker/socket-ledger.js';
import { FirstAnswer } from '../../loki/first-answer.js';
import type { Clock, Random } from '../../model/clock.js';
import { NS_PER_SECOND } from '../../model/nanoseconds.js';
import { monitorResources } from '../../observe/resource-monitor.js';
import { ResourceWatch, type Verdict } from '../../observe/resource-watch.js';
import { ResourceSampler, type ResourceSample } from '../../observe/resources.js';
import type { StatusServer } from '../../observe/status-server.js';
import { version } from '../version.js';
import { Closers } from './closers.js';
import { collectorObserver } from './collector-observer.js';
import { collectorParts } from './collector-parts.js';
import { ContainerCounters } from './container-counters.js';
import { engineParts } from './engine-parts.js';
import { lokiParts, rejectedPath } from './loki-parts.js';
import { lokiSettings } from './loki-settings.js';
import { resourceWatchSettings, type ObserveParts } from './observe-parts.js';
import { pushObserver } from './push-observer.js';
import { engineStatus, lokiStatus, totalsStatus } from './service-status.js';
import { ShutdownDeadline } from './shutdown-deadline.js';
import { openState } from './state.js';
import {
  containerCounts,
  containerLags,
  containerStatus,
  missedStatus,
  processStatus,
  resourceStatus,
  statusServer,
  type ContainerStatus,
} from './status-parts.js';
import { witnessed, type PollWitness } from './poll-witness.js';

export interface ServiceOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: ObserveParts;
  /** What this process was started as. */
  readonly command: string;
  /** Told of polls, gaps and misses as well. */
  readonly witness?: PollWitness;
}

/** The collector as a service, ready to run. */
export interface Service {
  /** Of the status page; undefined when it is switched off. */
  readonly url: string | undefined;
  /** Sockets to the Engine that are open now. */
  readonly engineSockets: () => number;
  /** All sockets to the Engine there ever were. */
  readonly ledger: Pick<SocketLedger, 'open' | 'opened' | 'closed' | 'peak'>;
  /** The containers as the status page shows them. */
  readonly containers: () => ContainerStatus[];
  /** Collects until the signal aborts; then ends the polls under way, flushes, commits and gives all back. */
  run(signal: AbortSignal): Promise<void>;
}

/** Its stream has the labels of any other, for a request without lines. */
const NO_CONTAINER = { id: '', name: 'pollard', image: '', labels: {}, state: '', created: 0n };

/**
 * Wires the service: the one place where its parts meet.
 *
 * @throws PollardError for what cannot heal: settings, a locked or unusable state directory, a port in use
 */
export async function createService(options: ServiceOptions): Promise<Service> {
  const { config, clock, random, command } = options;
  const { logger, limited, metrics, health } = options.observe;
  const startedAt = clock.now();

  const engine = await engineParts(config, clock, logger);
  const state = await openState(config, command, clock, logger);
  const held = new Closers();
  // Until something is sent, it is as it was.
  let isInOrder = () => state.endedInOrder;
  held.add(() => state.release(isInOrder()));
  const gate = new LokiGate(config.loki.outage_grace);
  held.add(() => gate.end());
  let status: StatusServer | undefined;
  let sample: ResourceSample | undefined;
  try {
    const pushes = pushObserver({
      metrics,
      health,
      clock,
      logger: limited,
      lossLogger: logger,
      repeatInterval: config.log.repeat_interval,
      rejectedFile: rejectedPath(config),
      gate,
      patience: config.loki.outage_grace,
    });
    held.add(() => pushes.close());
    const loki = await lokiParts(config, {
      endedInOrder: state.endedInOrder,
      clock,
      random,
      observer: pushes,
      onRejectedTrouble: pushes.onRejectedTrouble,
      onTooNew: pushes.onTooNew,
    });
    // Last of all: until then there may be something to give up.
    const deadline = new ShutdownDeadline(config.shutdown.timeout, clock, {
      isHopeless: () => loki.pusher.isAway,
      giveUp: () => loki.pusher.stop(),
    });
    held.add(() => deadline.end());
    held.add(() => loki.close());
    const told = collectorObserver({
      metrics,
      health,
      logger: limited,
      lossLogger: logger,
      onForgotten: (id) => {
        targets.forget(id);
        counters.forget(id);
      },
    });
    const counters = new ContainerCounters(clock);
    const counted = witnessed(told, counters);
    const observer = options.witness === undefined ? counted : witnessed(counted, options.witness);
    const parts = collectorParts(config, {
      clock,
      random,
      logger: limited,
      engine,
      loki,
      store: state.store,
      lock: state.lock,
      observer,
      onCutLine: () => metrics.linesCut(1),
    });
    const { fleet, runner, access, budget, targets } = parts;
    isInOrder = parts.isInOrder;
    const scheduler = new Scheduler({
      clock,
      fleet,
      runner,
      gate,
      access,
      concurrency: config.poll.concurrency,
      onBroken: ({ name }, error) =>
        limited.error('a poll failed by a fault of Pollard itself', { container: name, error }),
    });
    const discovery = new Discovery({
      engine: engine.engine,
      fleet,
      clock,
      observer,
      listInterval: config.discovery.list_interval,
      eventsInterval: config.discovery.events_interval,
      onChange: () => scheduler.wake(),
    });
    const engineSockets = () => engine.ledger.open;
    const containers = () =>
      [...fleet.states()].map((each) => containerStatus(each, counters.of(each.summary.id), clock));
    metrics.observe({
      activePolls: () => scheduler.active,
      engineSockets,
      memoryInFlight: () => budget.used,
      containers: () => containerCounts(fleet),
      lags: () => containerLags(fleet, clock),
    });
    const { enabled } = config.collector;
    const firstAnswer = new FirstAnswer({
      pusher: loki.pusher,
      target: targets.of(NO_CONTAINER, 'stdout'),
      backoff: lokiSettings(config).backoff,
      clock,
      random,
    });
    const readiness = () => {
      if (!enabled) return { ready: true, reason: '' };
      const { engine: engineHealth, containers: containersHealth } = health.report().parts;
      if (discovery.isAway) return { ready: false, reason: engineHealth.reason };
      if (access.refusal !== undefined) return { ready: false, reason: containersHealth.reason };
      if (!discovery.listed) return { ready: false, reason: 'the Engine has not listed its containers yet' };
      return { ready: loki.pusher.hasAnswered, reason: firstAnswer.missing };
    };
    if (config.status.enabled) {
      status = await statusServer(
        config,
        {
          metrics: () => metrics.render(),
          health: () => health.report(),
          ready: readiness,
          status: () => ({
            ...processStatus(startedAt, version),
            collecting: enabled,
            engine: engineStatus(engine.api.versions.agreed),
            engine_sockets: engineSockets(),
            active_polls: scheduler.active,
            memory_in_flight: budget.used,
            resources: sample === undefined ? null : resourceStatus(sample),
            totals: totalsStatus(counters.totals),
            missed: counters.lastMissed.map(missedStatus),
            loki: lokiStatus(loki.pusher.state()),
            health: health.report(),
            containers: containers(),
          }),
        },
        logger,
        clock,
      );
      held.add(async () => await status?.close());
      for (const warning of status.warnings) logger.warn(warning);
    }

    return {
      url: status?.url,
      engineSockets,
      ledger: engine.ledger,
      containers,
      run: async (signal) => {
        const sampler = new ResourceSampler({
          clock,
          engineSockets,
          statusConnections: () => status?.connections() ?? 0,
          pushes: () => metrics.pushTotals(),
        });
        held.add(() => sampler.close());
        try {
          logger.info(enabled ? 'collecting' : 'collecting is switched off (collector.enabled)', {
            version,
            engine: config.docker.host,
            loki: config.loki.url,
            state_dir: config.collector.state_dir,
            cursors: state.store.all().length,
            status: status?.url,
          });
          await runTogether(signal, (ending) => {
            deadline.follow(ending);
            const collecting = enabled
              ? [discovery.run(ending), scheduler.run(ending), firstAnswer.run(ending)]
              : [];
            const monitoring = {
              clock,
              sample: () => sampler.sample(),
              watch: new ResourceWatch(resourceWatchSettings(config)),
              interval: config.resources.interval,
              onVerdict: ({ state: verdict, reason }: Verdict, taken: ResourceSample) => {
                sample = taken;
                metrics.resources(taken);
                health.set('resources', verdict, reason);
              },
            };
            return [...collecting, monitorResources(monitoring, ending), limited.run(ending)];
          });
        } finally {
          await held.close();
          limited.flush();
          const seconds = Number((clock.now() - startedAt) / NS_PER_SECOND);
          logger.info('stopped', { seconds, engine_sockets: engineSockets() });
        }
      },
    };
  } catch (error) {
    await held.abandon();
    throw error;
  }
}
