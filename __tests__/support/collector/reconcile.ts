import { isMarkerText } from '../../../src/collector/possible-gap.js';
import type { LokiSimulator, StoredEntry } from '../../../src/simulators/loki/index.js';
import type { TestContainer } from '../engines/index.js';
import { engineLines, type LogShape } from './engine-lines.js';

/** What a container is known to have written. */
export interface Written {
  readonly container: TestContainer;
  readonly stdout?: readonly string[];
  readonly stderr?: readonly string[];
}

/** Lines as text for people, long ones cut. */
export interface Reconciliation {
  /** Written, but not in Loki. */
  readonly lost: readonly string[];
  /** In Loki more often than written. */
  readonly twice: readonly string[];
  /** In Loki, but never written. */
  readonly unknown: readonly string[];
  /** Markers of gaps in Loki. */
  readonly gaps: readonly string[];
}

export const ALL_THERE: Reconciliation = { lost: [], twice: [], unknown: [], gaps: [] };

/** Holds what containers wrote against what Loki shows of them: line by line, by container and stream. */
export function reconcile(written: readonly Written[], loki: LokiSimulator): Reconciliation {
  const expected = new Tally();
  for (const { container, stdout = [], stderr = [] } of written) {
    for (const text of stdout) expected.add(`${container.id} stdout ${text}`);
    for (const text of stderr) expected.add(`${container.id} stderr ${text}`);
  }
  const ids = new Set(written.map(({ container }) => container.id));
  return compare(expected, ofContainers(loki, ids), ({ labels, line, metadata }) => {
    return `${metadata['container_id'] ?? ''} ${labels['stream'] ?? ''} ${line}`;
  });
}

/**
 * Holds the Engine's own log of each container, as it is now, against what Loki shows: line by line, by stream,
 * stamp and text. Equal lines of one nanosecond count once, as Loki folds them.
 */
export async function reconcileWithEngine(
  containers: readonly (LogShape & { readonly container: TestContainer })[],
  loki: LokiSimulator,
): Promise<Reconciliation> {
  const expected = new Tally();
  for (const { container, ...shape } of containers) {
    for (const { stream, stamp, text } of await engineLines(container, shape)) {
      expected.addOnce(`${container.id} ${stream} ${stamp} ${text}`);
    }
  }
  const ids = new Set(containers.map(({ container }) => container.id));
  return compare(expected, ofContainers(loki, ids), ({ labels, stamp, line, metadata }) => {
    return `${metadata['container_id'] ?? ''} ${labels['stream'] ?? ''} ${stamp} ${line}`;
  });
}

/** What Loki shows of one container, in the order of the stamps. */
export function entriesOf(loki: LokiSimulator, container: TestContainer): StoredEntry[] {
  return ofContainers(loki, new Set([container.id]));
}

/** The lines that Loki shows of one container, both streams, in the order of the stamps. */
export function linesOf(loki: LokiSimulator, container: TestContainer): string[] {
  return entriesOf(loki, container).map(({ line }) => line);
}

function ofContainers(loki: LokiSimulator, ids: ReadonlySet<string>): StoredEntry[] {
  return loki.entries().filter(({ metadata }) => ids.has(metadata['container_id'] ?? ''));
}

function compare(
  expected: Tally,
  entries: readonly StoredEntry[],
  keyOf: (entry: StoredEntry) => string,
): Reconciliation {
  const gaps: string[] = [];
  const stored = new Tally();
  for (const entry of entries) {
    if (isMarkerText(entry.line)) gaps.push(entry.line);
    else stored.add(keyOf(entry));
  }
  const lost: string[] = [];
  const twice: string[] = [];
  const unknown: string[] = [];
  for (const [key, count] of expected.counts) if (stored.of(key) < count) lost.push(shown(key));
  for (const [key, count] of stored.counts) {
    if (expected.of(key) === 0) unknown.push(shown(key));
    else if (count > expected.of(key)) twice.push(shown(key));
  }
  return { lost, twice, unknown, gaps };
}

class Tally {
  readonly counts = new Map<string, number>();

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: string): void {
    this.counts.set(key, this.of(key) + 1);
  }

  addOnce(key: string): void {
    this.counts.set(key, 1);
  }
}

function shown(key: string): string {
  const line = key.slice(52);
  return line.length <= 120
    ? line
    : `${line.slice(0, 60)}... (${line.length} characters) ...${line.slice(-20)}`;
}
