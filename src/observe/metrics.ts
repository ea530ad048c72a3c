import { Registry } from 'prom-client';
import { BoundedLabel } from './bounded-label.js';
import { HEALTH_PARTS, type HealthReport, type HealthState } from './health.js';
import { metricFamilies, type MetricFamilies } from './metric-families.js';
import type { PushTotals, ResourceSample } from './resources.js';
import { sampledGauges, type MetricSources } from './sampled-gauges.js';

/** How a poll ended that got an answer. */
export type PollResult =
  /** Read something new. */
  | 'lines'
  /** There was nothing new. */
  | 'nothing'
  /** The answer ended early; what came before is delivered. */
  | 'fault';

export interface PollFigures {
  readonly result: PollResult;
  readonly seconds: number;
  /** Lines delivered, and their bytes. */
  readonly lines: number;
  readonly bytes: number;
  /** Entries dropped as delivered before. */
  readonly duplicates: number;
  /** Entries that the Engine sent, and those of them that were not new. */
  readonly entriesRead: number;
  readonly entriesReread: number;
  /** Entries asked for; undefined for the whole log. */
  readonly window: number | undefined;
  readonly widenings: number;
}

/** Of what a malformed item was: a container of the list, an event, what inspect shows of a container. */
export type MalformedKind = 'container' | 'event' | 'inspect';

/** The status of Loki's answer, or why there was none. */
export type PushStatus = number | 'timeout' | 'connection' | 'aborted';

/**
 * The figures of a process, in its own registry. Every method only adds to them or sets them: what happens is
 * told here by who wires the parts together, and no part knows of Prometheus.
 */
export interface Metrics {
  polled(figures: PollFigures): void;
  /** The poll got no answer to read; also counts an error of the Engine of that kind. */
  pollFailed(kind: string, seconds: number): void;
  /** An error of the Engine outside of a poll: list, inspect, events. */
  engineError(kind: string): void;
  /** An answer of the Engine was cut off by the bound that this setting is. */
  answerCutOff(setting: string): void;
  /** An item of an answer of the Engine could not be understood and was skipped. */
  malformedItem(kind: MalformedKind): void;
  gap(): void;
  possibleGap(): void;
  missedContainer(): void;
  eventsOverrun(): void;
  clockStepped(): void;
  linesCut(lines: number): void;
  linesRejected(reason: string, lines: number): void;
  /** Of the rejected lines those of which no copy could be kept. */
  rejectedNotKept(reason: string, lines: number): void;
  /** Of the rejected lines those that are too old for Loki. */
  linesTooOld(lines: number): void;
  pushed(status: PushStatus, seconds: number): void;
  pushRetried(): void;
  /** Lines were sent that Loki may hold already, because it could not be asked. */
  linesReplayed(lines: number): void;
  /** Pushes counted so far, for the resource watch. */
  pushTotals(): PushTotals;
  resources(sample: ResourceSample): void;
  health(report: HealthReport): void;
  /** Gives the figures that are looked up at each scrape. Once; before, they are not shown. */
  observe(sources: MetricSources): void;
  /** All figures in Prometheus' text format. */
  render(): Promise<RenderedMetrics>;
}

export interface RenderedMetrics {
  readonly contentType: string;
  readonly text: string;
}

export interface MetricsOptions {
  readonly version: string;
  /** When the process began, seconds since 1970. */
  readonly startedAt: number;
  /** Reasons, kinds and settings shown as 0 before they first happen, so that an alert sees the first one. */
  readonly rejectReasons?: readonly string[];
  readonly engineErrorKinds?: readonly string[];
  readonly cuttingSettings?: readonly string[];
  /** Containers of which the lag is told, the worst ones. */
  readonly maxContainers?: number;
}

const POLL_RESULTS = ['lines', 'nothing', 'fault', 'failed'] as const;
/** Shown as 0 before they first happen. */
const PUSH_STATUSES = ['204', '400', '429', '500', 'timeout', 'connection'];
const MALFORMED_KINDS: readonly MalformedKind[] = ['container', 'event', 'inspect'];
const MOST_REASONS = 30;
const MOST_CONTAINERS = 2000;
const LEVEL: Record<HealthState, number> = { healthy: 0, degraded: 1, unhealthy: 2 };

/** Makes the metrics of a process. No registry but their own is touched. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const families = metricFamilies(registry);
  const reasons = new BoundedLabel(MOST_REASONS, options.rejectReasons);
  const kinds = new BoundedLabel(MOST_REASONS, options.engineErrorKinds);
  const cuts = new BoundedLabel(MOST_REASONS, options.cuttingSettings);
  const statuses = new BoundedLabel(MOST_REASONS, PUSH_STATUSES);
  const pushes = { tried: 0, failed: 0 };

  for (const result of POLL_RESULTS) families.polls.inc({ result }, 0);
  for (const status of PUSH_STATUSES) families.pushes.inc({ status }, 0);
  for (const reason of options.rejectReasons ?? []) {
    families.rejected.inc({ reason }, 0);
    families.rejectedNotKept.inc({ reason }, 0);
  }
  for (const kind of options.engineErrorKinds ?? []) families.engineErrors.inc({ kind }, 0);
  for (const kind of MALFORMED_KINDS) families.malformed.inc({ kind }, 0);
  for (const setting of options.cuttingSettings ?? []) families.cutOff.inc({ setting }, 0);
  families.build.set({ version: options.version, node: process.versions.node }, 1);
  families.started.set(options.startedAt);

  return {
    polled: (figures) => countPoll(families, figures),
    pollFailed: (kind, seconds) => {
      families.polls.inc({ result: 'failed' });
      families.pollSeconds.observe(seconds);
      families.engineErrors.inc({ kind: kinds.value(kind) });
    },
    engineError: (kind) => families.engineErrors.inc({ kind: kinds.value(kind) }),
    answerCutOff: (setting) => families.cutOff.inc({ setting: cuts.value(setting) }),
    malformedItem: (kind) => families.malformed.inc({ kind }),
    gap: () => families.gaps.inc(),
    possibleGap: () => families.possibleGaps.inc(),
    missedContainer: () => families.missed.inc(),
    eventsOverrun: () => families.overruns.inc(),
    clockStepped: () => families.clockSteps.inc(),
    linesCut: (lines) => families.cutLines.inc(lines),
    linesRejected: (reason, lines) => families.rejected.inc({ reason: reasons.value(reason) }, lines),
    rejectedNotKept: (reason, lines) =>
      families.rejectedNotKept.inc({ reason: reasons.value(reason) }, lines),
    linesTooOld: (lines) => families.tooOld.inc(lines),
    pushed: (status, seconds) => {
      pushes.tried++;
      if (!isAnswered(status)) pushes.failed++;
      families.pushes.inc({ status: statuses.value(String(status)) });
      families.pushSeconds.observe(seconds);
    },
    pushRetried: () => families.retries.inc(),
    linesReplayed: (lines) => families.replayed.inc(lines),
    pushTotals: () => ({ ...pushes }),
    resources: (sample) => showResources(families, sample),
    health: (report) => {
      families.health.set({ part: 'all' }, LEVEL[report.state]);
      for (const part of HEALTH_PARTS) families.health.set({ part }, LEVEL[report.parts[part].state]);
    },
    observe: (sources) => sampledGauges(registry, sources, options.maxContainers ?? MOST_CONTAINERS),
    render: async () => ({ contentType: registry.contentType, text: await renderInSlices(registry) }),
  };
}

/** ms after which the rest of the page waits until others had a turn. */
const LONGEST_SLICE_MS = 5;

/** As Registry.metrics() of prom-client, family by family: thousands of containers must not hold up the collecting. */
async function renderInSlices(registry: Registry): Promise<string> {
  const families: string[] = [];
  let begun = performance.now();
  for (const { name } of registry.getMetricsAsArray()) {
    families.push(await registry.getSingleMetricAsString(name));
    if (performance.now() - begun < LONGEST_SLICE_MS) continue;
    await new Promise(setImmediate);
    begun = performance.now();
  }
  return `${families.join('\n\n')}\n`;
}

/** A 400 is Loki's answer about lines, which are counted by themselves; the push as such did not fail. */
function isAnswered(status: PushStatus): boolean {
  return typeof status === 'number' && ((status >= 200 && status <= 299) || status === 400);
}

function countPoll(families: MetricFamilies, figures: PollFigures): void {
  families.polls.inc({ result: figures.result });
  families.pollSeconds.observe(figures.seconds);
  families.lines.inc(figures.lines);
  families.bytes.inc(figures.bytes);
  families.duplicates.inc(figures.duplicates);
  families.entriesRead.inc(figures.entriesRead);
  families.entriesReread.inc(figures.entriesReread);
  families.widenings.inc(figures.widenings);
  if (figures.window === undefined) families.wholeLogs.inc();
  else families.window.observe(figures.window);
}

function showResources(families: MetricFamilies, sample: ResourceSample): void {
  if (sample.fds !== undefined) families.openFds.set(sample.fds);
  if (sample.fdLimit !== undefined) families.maxFds.set(sample.fdLimit);
  families.heapUsed.set(sample.heapUsed);
  families.heapTotal.set(sample.heapTotal);
  families.external.set(sample.external);
  families.resident.set(sample.rss);
  families.lag.set(sample.lag);
  families.live.reset();
  for (const [type, count] of Object.entries(sample.live)) families.live.set({ type }, count);
}
