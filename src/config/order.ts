import type { FinalValues } from './final-values.js';
import { conflict, type Conflict } from './conflict.js';

/** A setting in a chain of them, counted so many times: an interval that must fit in three times. */
interface Link {
  readonly path: string;
  readonly times?: number;
  /** Knowledge of someone else's limit: no wish of ours changes its default. */
  readonly known?: boolean;
}

/** Settings of which each must not be over the next. */
interface Chain {
  readonly links: readonly Link[];
  /** Not judged otherwise. */
  readonly when?: (values: FinalValues) => boolean;
}

const CHAINS: readonly Chain[] = [
  {
    links: [{ path: 'poll.min_interval' }, { path: 'poll.interval' }, { path: 'poll.max_interval' }],
    when: ({ config }) => config.poll.adaptive,
  },
  { links: [{ path: 'poll.idle_timeout' }, { path: 'poll.deadline' }] },
  { links: [{ path: 'lines.max_bytes' }, { path: 'loki.limits.max_line_bytes', known: true }] },
  { links: [{ path: 'lines.max_bytes' }, { path: 'loki.limits.max_request_bytes', known: true }] },
  { links: [{ path: 'loki.batch.max_bytes' }, { path: 'loki.limits.max_request_bytes', known: true }] },
  { links: [{ path: 'loki.batch.max_bytes' }, { path: 'memory.max_in_flight' }] },
  { links: [{ path: 'loki.backoff.min' }, { path: 'loki.backoff.max' }] },
  // A slope over fewer than three samples is none.
  { links: [{ path: 'resources.interval', times: 3 }, { path: 'resources.window' }] },
  levels('live_growth'),
  levels('live_baseline'),
  levels('open_fds'),
  levels('memory_growth_mib'),
  {
    links: [{ path: 'resources.loki_success.unhealthy' }, { path: 'resources.loki_success.degraded' }],
  },
];

function levels(key: string): Chain {
  return {
    links: [{ path: `resources.${key}.degraded` }, { path: `resources.${key}.unhealthy` }],
  };
}

/**
 * Moves defaults to where they fit what is set: a poll.interval of 200ms takes the default of poll.min_interval
 * down with it. What someone has set stays, and so does what is known of Loki's limits.
 */
export function adaptDefaults(values: FinalValues): void {
  for (const { links } of CHAINS) {
    const pinned = links.map((link) => isPinned(values, link));
    const before = links.map((link) => scaled(values, link));
    links.forEach((link, at) => {
      if (pinned[at] === true) return;
      const low = Math.max(...before.filter((_, other) => other < at && pinned[other] === true));
      const high = Math.min(...before.filter((_, other) => other > at && pinned[other] === true));
      const fitting = Math.min(Math.max(before[at] as number, low), high);
      if (fitting !== before[at]) values.set(link.path, unscaled(fitting, link));
    });
  }
}

/** Where the final values are not in order. */
export function orderConflicts(values: FinalValues): Conflict[] {
  return CHAINS.filter(({ when }) => when?.(values) ?? true).flatMap(({ links }) => {
    // Adapted defaults are in order as far as those between which they stand are.
    const pinned = links.filter((link) => isPinned(values, link));
    return pinned.slice(1).flatMap((high, at) => {
      const low = pinned[at] as Link;
      return scaled(values, low) > scaled(values, high) ? [outOfOrder(values, low, high)] : [];
    });
  });
}

/** How the default of a setting follows others, for the reference: `at most poll.interval`. */
export function adaptationOf(path: string): string | undefined {
  const notes = CHAINS.flatMap(({ links }) => {
    const at = links.findIndex((link) => link.path === path);
    const own = links[at];
    if (own === undefined || own.known === true) return [];
    const [low, high] = [links[at - 1], links[at + 1]];
    return [
      ...(low === undefined ? [] : [`at least ${timesText(low)}${low.path}`]),
      ...(high === undefined ? [] : [`at most ${own.times === undefined ? '' : 'a third of '}${high.path}`]),
    ];
  });
  return notes.length === 0 ? undefined : notes.join(', ');
}

function isPinned(values: FinalValues, { path, known }: Link): boolean {
  return known === true || values.isSet(path);
}

function scaled(values: FinalValues, { path, times = 1 }: Link): number {
  return (values.get(path) as number) * times;
}

function unscaled(value: number, { times = 1 }: Link): number {
  return times === 1 ? value : Math.floor(value / times);
}

function timesText({ times = 1 }: Link): string {
  return times === 1 ? '' : `${times} times `;
}

function outOfOrder(values: FinalValues, low: Link, high: Link): Conflict {
  const lower = `${timesText(low)}${values.written(low.path)}`;
  const upper = values.written(high.path);
  // The one at fault is one that someone has set.
  return values.isSet(low.path)
    ? conflict(
        [low.path, high.path],
        `${lower} is over ${high.path}, which is ${upper}${byDefault(values, high)}`,
      )
    : conflict(
        [high.path, low.path],
        `${upper} is under ${low.path}, which is ${lower}${byDefault(values, low)}`,
      );
}

function byDefault(values: FinalValues, { path }: Link): string {
  return values.isSet(path) ? '' : ' by default';
}
