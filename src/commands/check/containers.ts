import { join } from 'node:path';
import pLimit from 'p-limit';
import { boundedSignal } from '../../collector/bounded-signal.js';
import { look } from '../../collector/look.js';
import { runTogether } from '../../collector/run-together.js';
import type { Config } from '../../config/schema.js';
import type { SeenCursors } from '../../cursors/read-cursors.js';
import type { Clock } from '../../model/clock.js';
import type { ContainerDetails, ContainerSummary } from '../../model/container.js';
import { PollardError } from '../../model/errors.js';
import type { LabelSet } from '../../model/labels.js';
import { containerSelection, type Selection } from '../../pipeline/selection.js';
import { streamLabels } from '../../pipeline/stream-labels.js';
import { labelSettings, selectionSettings } from '../wiring/pipeline-settings.js';
import { watchedSince } from '../wiring/watched-since.js';
import { beginOf, type Begin } from './begin.js';
import type { SeenEngine } from './engine.js';
import { failureOf, goodPart, warning, type Failure, type Part, type Trouble } from './part.js';

/** One container and what would be done with it. */
export interface CheckedContainer {
  readonly container: ContainerSummary;
  /** The logging driver; undefined: it could not be inspected. */
  readonly driver: string | undefined;
  readonly selection: Selection;
  /** Of what would be collected. */
  readonly begin: Begin | undefined;
  /** Of its stream stdout, but for `stream`. */
  readonly labels: LabelSet | undefined;
  /** Why its log cannot be read. */
  readonly trouble: Failure | undefined;
}

export interface ContainersCheck {
  readonly part: Part;
  readonly containers: readonly CheckedContainer[];
}

/**
 * Says of each container whether it would be collected, from where, and under which labels. The log of each that
 * would be is really asked for its last entry: drivers that cannot be read, and proxies that let no logs through, show
 * only then.
 */
export async function checkContainers(
  config: Config,
  { engine, containers: listed }: SeenEngine,
  cursors: SeenCursors,
  clock: Clock,
  signal: AbortSignal,
): Promise<ContainersCheck> {
  const warnings: Trouble[] = [];
  const selects = containerSelection(selectionSettings(config));
  const labels = labelSettings(config, (name, left, reason) => {
    const why = reason === 'too_many' ? 'Loki takes no more' : 'their name is taken';
    const message = `${name}: labels without a place in Loki (${why}): ${left.join(', ')}`;
    warnings.push(warning('labels_left_out', message, 'they are left out', 'labels.from_container'));
  });
  const known = new Map(cursors.cursors.map((cursor) => [cursor.containerId, cursor]));
  const watchSince = watchedSince(join(config.collector.state_dir, 'lock'), clock.now());

  const check = async (container: ContainerSummary, ending: AbortSignal): Promise<CheckedContainer> => {
    const selection = selects(container);
    const selected = selection === 'selected';
    let details: ContainerDetails | undefined;
    let trouble: Failure | undefined;
    const bounded = boundedSignal([ending], config.docker.timeout);
    try {
      details = await engine.engine.inspect(container.id, bounded.signal);
      if (selected && hasStarted(details)) {
        const { fault } = await look(engine.readLogs, { ...container, ...details }, 1, 1, bounded.signal);
        if (fault !== undefined) throw fault;
      }
    } catch (error) {
      ending.throwIfAborted();
      trouble = failureOf(bounded.signal.aborted ? tooSlow(container, config) : error, 'docker.host');
    } finally {
      bounded.release();
    }
    return {
      container,
      driver: details?.logDriver,
      selection,
      begin: selected ? beginOf(container, known.get(container.id), config.start, watchSince) : undefined,
      labels: selected ? withoutStream(streamLabels(container, 'stdout', labels)) : undefined,
      trouble,
    };
  };
  const limit = pLimit(config.poll.concurrency);
  const checked = await runTogether(signal, (ending) =>
    listed.map((container) => limit(() => check(container, ending))),
  );
  const containers = checked.sort(byWhatIsDone);
  return { part: partOf(config, containers, warnings), containers };
}

/** What keeps the service from reading any log is told as a failure, what concerns one container as a warning. */
function partOf(config: Config, containers: readonly CheckedContainer[], warnings: Trouble[]): Part {
  const selected = containers.filter(({ selection }) => selection === 'selected');
  const facts = { containers: containers.length, selected: selected.length };
  const summary = `${selected.length} of ${containers.length} would be collected`;
  for (const { container, trouble } of selected) {
    if (trouble === undefined || trouble.code === 'engine_not_found') continue;
    const message = trouble.message.includes(container.name)
      ? trouble.message
      : `${container.name}: ${trouble.message}`;
    warnings.push({ ...trouble, message });
  }
  if (!config.collector.enabled) {
    const message = 'collecting is switched off: the service would run and collect nothing';
    warnings.push(
      warning('collector_disabled', message, 'set collector.enabled to true', 'collector.enabled'),
    );
  } else if (selected.length === 0) {
    const message =
      containers.length === 0
        ? 'there is no container'
        : 'no container is selected: nothing would be collected';
    const hint = 'look at containers.include, containers.exclude and containers.opt_in';
    warnings.push(warning('nothing_selected', message, containers.length === 0 ? undefined : hint));
  }
  const refused = selected.find(({ trouble }) => trouble?.code === 'engine_permission')?.trouble;
  const part = goodPart('containers', summary, { warnings, facts });
  if (refused === undefined) return part;
  return {
    ...part,
    summary: refused.message,
    failure: refused,
    warnings: warnings.filter(({ code }) => code !== refused.code),
  };
}

function tooSlow({ name }: ContainerSummary, config: Config): PollardError {
  return new PollardError(
    'engine_timeout',
    `the log of ${name} gave nothing within ${config.docker.timeout} ms`,
    {
      hint: 'look at the load and the log of the Engine; raise docker.timeout if it is only slow',
      setting: 'docker.timeout',
      exit: 'engine',
    },
  );
}

function hasStarted({ running, startedAt }: ContainerDetails): boolean {
  return running || startedAt > 0n;
}

function withoutStream(labels: LabelSet): LabelSet {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name !== 'stream'));
}

/** Those that would be collected first, by name. */
function byWhatIsDone(a: CheckedContainer, b: CheckedContainer): number {
  const selected = (each: CheckedContainer): number => (each.selection === 'selected' ? 0 : 1);
  const byName = a.container.name < b.container.name ? -1 : 1;
  return selected(a) - selected(b) || byName;
}
