import type { Reconciliation } from './reconcile.js';
import type { EngineView } from './simulated-engine.js';

/** All that the demo has found out. */
export interface Findings {
  readonly lines: Reconciliation;
  /** Containers whose log was not read to its end, by the collector or afterwards, with the reason. */
  readonly unread: readonly { readonly container: string; readonly reason: string }[];
  /** Sockets to the Engine, as this process has counted them. */
  readonly sockets: { readonly open: number; readonly opened: number; readonly peak: number };
  /** As the simulated Engine has counted them. */
  readonly engineView: EngineView | undefined;
  /** From the first poll to the end of the account. */
  readonly seconds: number;
}

/** How many sockets to the Engine are open, on whichever side more are counted. */
export function openSockets({ sockets, engineView }: Findings): number {
  return Math.max(sockets.open, engineView?.open ?? 0);
}

/** What does not hold, in words; nothing: every line is accounted for, and nothing was left open. */
export function faultsOf(findings: Findings): string[] {
  const { lines, unread, engineView } = findings;
  const { written, folded, inLoki, named, rejected, lost, twice, unknown } = lines;
  const faults: string[] = [];
  if (lost > 0) faults.push(`${count(lost, 'line is', 'lines are')} lost: not in Loki, and nothing says so`);
  if (twice > 0) faults.push(`${count(twice, 'line is', 'lines are')} in Loki twice`);
  if (unknown > 0) faults.push(`${count(unknown, 'line is', 'lines are')} in Loki that nobody wrote`);
  if (rejected > 0) faults.push(`${count(rejected, 'line was', 'lines were')} refused by Loki`);
  // Follows from the others; said all the same, in case that it does not.
  if (faults.length === 0 && written !== folded + inLoki + named) {
    faults.push('lines written and lines in Loki do not match');
  }
  for (const { container, reason } of unread) faults.push(`${container} was not read to its end: ${reason}`);
  const open = openSockets(findings);
  if (open > 0) faults.push(`${count(open, 'socket', 'sockets')} to the Engine left open`);
  const forbidden = engineView?.violations ?? [];
  if (forbidden.length > 0) {
    faults.push(
      `${count(forbidden.length, 'request', 'requests')} that no collector may send: ${forbidden[0] ?? ''}`,
    );
  }
  return faults;
}

export function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
