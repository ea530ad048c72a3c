import { join } from 'node:path';
import pLimit from 'p-limit';
import { boundedSignal } from '../../collector/bounded-signal.js';
import { look } from '../../collector/look.js';
import { runTogether } from '../../collector/run-together.js';
import type { Config } from '../../config/schema.js';
import type { SeenCursors } from '../../cursors/read-cursors.js';
import type { Clock } from '../../model/clock.js';
import { formatAge } from '../../loki/age-limits.js';
import {
  keepsNoLog,
  type ContainerDetails,
  type ContainerRef,
  type ContainerSummary,
} from '../../model/container.js';
import { PollardError } from '../../model/errors.js';
import type { LabelSet } from '../../model/labels.js';
import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import { containerSelection, type Selection } from '../../pipeline/selection.js';
import { streamLabels } from '../../pipeline/stream-labels.js';
import { labelSettings, selectionSettings } from '../wiring/pipeline-settings.js';
import { watchedSince } from '../wiring/watched-since.js';
import type { AcceptedAge } from './accepted-age.js';
import { beginOf, type Begin } from './begin.js';
import type { SeenEngine } from './engine.js';
import { oldLog, type OldLog } from './old-log.js';
import { failureOf, goodPart, warning, type Failure, type Part, type Trouble } from './part.js';

/** So many of the last entries of each log are read. */
const READ_ENTRIES = 10;

/** One container and what would be done with it. */
export interface CheckedContainer {
  readonly container: ContainerSummary;
  /** The logging driver; undefined: it could not be inspected. */
  readonly driver: string | undefined;
  /** Its driver keeps no logs: it is not collected, and nothing is wrong with that. */
  readonly noLog: boolean;
  readonly selection: Selection;
  /** Of what would be collected. */
  readonly begin: Begin | undefined;
  /** Of its stream stdout, but for `stream`. */
  readonly labels: LabelSet | undefined;
  /** Why its log cannot be read. */
  readonly trouble: Failure | undefined;
  /** What is to be collected of its log and is too old for Loki; undefined: nothing, as far as is known. */
  readonly old: OldLog | undefined;
}

export interface ContainersCheck {
  readonly part: Part;
  readonly containers: readonly CheckedContainer[];
}

/**
 * Says of each container whether it would be collected, from where, and under which labels. The log of each that
 * would be is really asked for its last entries: drivers that cannot be read, proxies that let no logs through, and
 * entries that are not understood show only then. And for its first ones, to count those that are too old for Loki.
 */
export async function checkContainers(
  config: Config,
  { engine, containers: listed }: SeenEngine,
  cursors: SeenCursors,
  accepted: AcceptedAge,
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

  const now = clock.now();
  const oldPart = async (
    container: ContainerRef,
    begin: Begin,
    ending: AbortSignal,
  ): Promise<OldLog | undefined> => {
    if (accepted.age === undefined) return undefined;
    const before = now - accepted.age;
    const after = wantedAfter(begin, config.start, now);
    if (after !== undefined && after >= before) return undefined;
    return await oldLog({ read: engine.readLogs, container, before, after }, ending);
  };
  const check = async (container: ContainerSummary, ending: AbortSignal): Promise<CheckedContainer> => {
    const selection = selects(container);
    const selected = selection === 'selected';
    let details: ContainerDetails | undefined;
    let trouble: Failure | undefined;
    let old: OldLog | undefined;
    const begin = selected
      ? beginOf(container, known.get(container.id), config.start, watchSince)
      : undefined;
    const bounded = boundedSignal([ending], config.docker.timeout);
    try {
      details = await engine.engine.inspect(container.id, bounded.signal);
      if (selected && hasStarted(details) && !keepsNoLog(details)) {
        const { fault } = await look(
          engine.readLogs,
          { ...container, ...details },
          READ_ENTRIES,
          1,
          bounded.signal,
        );
        if (fault !== undefined) throw fault;
        if (begin !== undefined) old = await oldPart({ ...container, ...details }, begin, ending);
      }
    } catch (error) {
      ending.throwIfAborted();
      trouble = failureOf(bounded.signal.aborted ? tooSlow(container, config) : error, 'docker.host');
    } finally {
      bounded.release();
    }
    const noLog = details !== undefined && keepsNoLog(details);
    return {
      container,
      driver: details?.logDriver,
      noLog,
      selection,
      begin: noLog ? undefined : begin,
      labels: selected && !noLog ? withoutStream(streamLabels(container, 'stdout', labels)) : undefined,
      trouble,
      old,
    };
  };
  const limit = pLimit(config.poll.concurrency);
  const checked = await runTogether(signal, (ending) =>
    listed.map((container) => limit(() => check(container, ending))),
  );
  const containers = checked.sort(byWhatIsDone);
  warnings.push(...oldWarnings(containers, accepted));
  return { part: partOf(config, containers, warnings), containers };
}

/** What keeps the service from reading any log is told as a failure, what concerns one container as a warning. */
function partOf(config: Config, containers: readonly CheckedContainer[], warnings: Trouble[]): Part {
  const selected = containers.filter(({ selection, noLog }) => selection === 'selected' && !noLog);
  const facts = { containers: containers.length, selected: selected.length };
  const summary = `${selected.length} of ${containers.length} would be collected`;
  for (const { container, trouble } of selected) {
    if (trouble === undefined || trouble.code === 'engine_not_found') continue;
    const message = trouble.message.includes(container.name)
      ? trouble.message
      : `${container.name}: ${trouble.message}`;
    // The driver is the container's own, and no address changes it.
    const setting = trouble.code === 'engine_not_implemented' ? undefined : trouble.setting;
    warnings.push({ ...trouble, message, setting });
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
    const hint =
      'look at containers.include, containers.exclude and containers.opt_in; the logging driver none keeps no logs';
    warnings.push(warning('nothing_selected', message, containers.length === 0 ? undefined : hint));
  }
  const refused =
    selected.find(({ trouble }) => trouble?.code === 'engine_permission')?.trouble ??
    noneUnderstood(selected);
  const part = goodPart('containers', summary, { warnings, facts });
  if (refused === undefined) return part;
  return {
    ...part,
    summary: refused.message,
    failure: refused,
    warnings: warnings.filter(({ code }) => code !== refused.code),
  };
}

/** What is wrong with the answers, where not one of the logs can be understood. */
function noneUnderstood(selected: readonly CheckedContainer[]): Failure | undefined {
  const isNotUnderstood = ({ trouble }: CheckedContainer): boolean =>
    trouble?.code.startsWith('log_') === true;
  return selected.every(isNotUnderstood) ? selected[0]?.trouble : undefined;
}

/** Up to where a log was delivered, or is not wanted; undefined: all of it is to be collected. */
function wantedAfter(
  { from, delivered }: Begin,
  start: Config['start'],
  now: Nanoseconds,
): Nanoseconds | undefined {
  if (from !== 'start') return delivered;
  if (start === 'beginning') return undefined;
  return start === 'end' ? now : now - BigInt(start.backMs) * NS_PER_MS;
}

function oldWarnings(containers: readonly CheckedContainer[], { age, isLokis }: AcceptedAge): Trouble[] {
  const old = containers.filter((each) => each.old !== undefined);
  if (old.length === 0 || age === undefined) return [];
  const noun = old.length === 1 ? 'container has' : 'containers have';
  const limit = isLokis
    ? `the ${formatAge(age)} that Loki accepts (reject_old_samples_max_age)`
    : `${formatAge(age)} (loki.limits.max_age; this Loki does not tell its own limit)`;
  const message = `${old.length} ${noun} lines that are older than ${limit}: those would be skipped`;
  const hint =
    'to have them in Loki, raise reject_old_samples_max_age there first; to leave all old lines alone, set start';
  return [warning('lines_too_old', message, hint, 'loki.limits.max_age')];
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
