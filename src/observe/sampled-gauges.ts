import { Counter, Gauge, type Registry } from 'prom-client';

/** How far the delivery of a container's lines lags behind. */
export interface ContainerLag {
  readonly container: string;
  /** The age of the oldest line that is known and not acknowledged by Loki, seconds; 0: there is none. */
  readonly seconds: number;
}

/** What is looked up when the metrics are asked for; each call is cheap. */
export interface MetricSources {
  activePolls(): number;
  engineSockets(): number;
  memoryInFlight(): number;
  /** How many containers are in each state of their life; `unreadable` among them. */
  containers(): Readonly<Record<string, number>>;
  /** Of the containers that are collected now; one that is forgotten is not among them any more. */
  lags(): Iterable<ContainerLag>;
}

/**
 * Gauges whose figures are looked up at each scrape, so that none is older than that and none of a container that
 * is gone remains.
 *
 * @param maxContainers of so many containers the lag is told, of the worst ones if there are more
 */
export function sampledGauges(registry: Registry, sources: MetricSources, maxContainers: number): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  gauge('pollard_active_polls', 'Polls under way.', () => sources.activePolls());
  gauge('pollard_engine_sockets_open', 'Open sockets to the Engine.', () => sources.engineSockets());
  gauge('pollard_memory_in_flight_bytes', 'Bytes read that wait for Loki.', () => sources.memoryInFlight());
  gauge(
    'pollard_unreadable_containers',
    'Containers whose logging driver cannot be read.',
    () => sources.containers()['unreadable'] ?? 0,
  );
  new Gauge({
    name: 'pollard_containers',
    help: 'Containers by where they are in their life.',
    labelNames: ['life'],
    registers,
    collect() {
      this.reset();
      for (const [life, count] of Object.entries(sources.containers())) this.set({ life }, count);
    },
  });

  gauge('pollard_cursor_lag_max_seconds', 'The largest lag of all containers.', () => {
    let worst = 0;
    for (const { seconds } of sources.lags()) worst = Math.max(worst, seconds);
    return worst;
  });
  new Gauge({
    name: 'pollard_cursor_lag_seconds',
    help: 'Age of the oldest line of a container that is known and not acknowledged by Loki; 0: there is none.',
    labelNames: ['container'],
    registers,
    collect() {
      this.reset();
      // Two containers can have had one name: the one further behind counts.
      const lags = new Map<string, number>();
      for (const { container, seconds } of sources.lags())
        lags.set(container, Math.max(seconds, lags.get(container) ?? 0));
      const worstFirst = [...lags].sort((a, b) => b[1] - a[1]);
      for (const [container, seconds] of worstFirst.slice(0, maxContainers)) this.set({ container }, seconds);
    },
  });

  new Counter({
    name: 'pollard_cpu_seconds_total',
    help: 'CPU time of the process, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
