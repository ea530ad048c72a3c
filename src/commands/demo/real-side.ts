import type { Config } from '../../config/schema.js';
import { CursorStore } from '../../cursors/store.js';
import type { Clock } from '../../model/clock.js';
import type { Cursor } from '../../model/cursor.js';
import type { Logger } from '../../model/logger.js';
import { containerSelector } from '../../pipeline/selection.js';
import { engineParts } from '../wiring/engine-parts.js';
import { selectionSettings } from '../wiring/pipeline-settings.js';
import { openState } from '../wiring/state.js';
import { markBegin } from './begin-places.js';
import { isReadSince } from './drain.js';
import type { EngineSide } from './engine-side.js';
import { writtenByEngine } from './written-by-engine.js';

/**
 * A real Engine. Nobody counts what its containers write, and nobody ends them: what was written stands in its
 * logs, between where each ended when the demo began and where the collector stopped.
 *
 * @throws PollardError `docker_host_invalid`, `docker_tls_invalid`
 */
export async function realSide(config: Config, clock: Clock, logger: Logger): Promise<EngineSide> {
  const { engine, readLogs, ledger, sinceSemantics } = await engineParts(config, clock);
  const selects = containerSelector(selectionSettings(config));
  const { concurrency } = config.poll;
  let begin: ReadonlyMap<string, Cursor> = new Map();
  let finishedAt = Infinity;
  return {
    begin: async (signal) => {
      // Locked, and so marked as watched, before the list: a container that is not on it is born under watch.
      const state = await openState(config, 'pollard demo', clock, logger);
      try {
        const commit = (cursor: Cursor) => state.store.commit(cursor);
        begin = await markBegin({ engine, read: readLogs, selects, clock, concurrency, commit }, signal);
      } finally {
        await state.release();
      }
    },
    finish: () => {
      finishedAt = clock.monotonic();
      return Promise.resolve();
    },
    isDone: isReadSince(() => (clock.monotonic() - finishedAt) / 1000),
    account: async (collected, signal) => {
      const store = await CursorStore.open(config.collector.state_dir, { clock, logger });
      const end = new Map(store.all().map((cursor) => [cursor.containerId, cursor]));
      const logs = {
        read: readLogs,
        sinceSemantics,
        maxLineBytes: config.lines.max_bytes,
        sentAsText: config.loki.encoding === 'json',
        moveEqualStamps: config.lines.equal_stamps === 'shift',
      };
      return await writtenByEngine({ engine, logs, selects, concurrency, begin, end, collected }, signal);
    },
    view: () => Promise.resolve(undefined),
    get openSockets() {
      return ledger.open;
    },
    ending: 'collecting what was written until now',
    witness: "as the Engine's logs have them, read once more",
  };
}
