import { lockHolder } from '../cursors/lock.js';
import { ProgressStore, type StoredRun } from '../backfill/progress-store.js';
import type { Config } from '../config/schema.js';
import { nodeFs } from '../cursors/node-fs.js';
import { ExitCode } from '../model/exit-codes.js';
import { formatStamp } from '../model/nanoseconds.js';
import type { Output } from './output.js';
import { columns, shownText } from './shown-text.js';

const HEAD = ['NAME', 'STATE', 'SINCE', 'UNTIL', 'FINISHED CONTAINERS', 'SENT'];

/**
 * `pollard backfill list`: interrupted and running backfills, and those that finished in the last week.
 *
 * @throws PollardError `backfill_progress_unreadable`
 */
export async function listBackfills(config: Config, json: boolean, { out }: Output): Promise<number> {
  const store = new ProgressStore(nodeFs, config.collector.state_dir);
  const rows: Row[] = [];
  for (const stored of await store.list()) {
    rows.push(rowOf(stored, (await lockHolder(store.dir, `${stored.name}.lock`)).held));
  }
  if (json) out.write(`${JSON.stringify({ runs: rows })}\n`);
  else if (rows.length === 0) out.write('there is no backfill\n');
  else out.write(columns([HEAD, ...rows.map(cells)], 4));
  return ExitCode.ok;
}

interface Row {
  readonly name: string;
  readonly state: 'finished' | 'interrupted' | 'running' | 'damaged' | 'of a later version';
  readonly since: string | null;
  readonly until: string | null;
  readonly finished_at: string | null;
  readonly finished_containers: number;
  readonly sent: number;
}

function rowOf({ name, read }: StoredRun, isHeld: boolean): Row {
  if (read.kind !== 'run') {
    const state = read.kind === 'newer' ? 'of a later version' : 'damaged';
    return { name, state, since: null, until: null, finished_at: null, finished_containers: 0, sent: 0 };
  }
  const { range, finishedAt, finished, open } = read.run;
  const sent = [...finished, ...Object.values(open)].reduce((sum, each) => sum + each.sent, 0);
  return {
    name,
    state: isHeld ? 'running' : finishedAt === undefined ? 'interrupted' : 'finished',
    since: formatStamp(range.from),
    until: formatStamp(range.until),
    finished_at: finishedAt === undefined ? null : formatStamp(finishedAt),
    finished_containers: finished.length,
    sent,
  };
}

function cells({ name, state, since, until, finished_containers, sent }: Row): string[] {
  return [shownText(name), state, since ?? '-', until ?? '-', String(finished_containers), String(sent)];
}
