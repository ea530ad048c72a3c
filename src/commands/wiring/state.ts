import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import { acquireLock, type StateLock } from '../../cursors/lock.js';
import { readStateFacts, stateNotices } from '../../cursors/state-notices.js';
import { CursorStore } from '../../cursors/store.js';
import type { Clock } from '../../model/clock.js';
import type { Logger } from '../../model/logger.js';

/** The state directory, owned by this process until released. */
export interface State {
  readonly lock: StateLock;
  readonly store: CursorStore;
  /** Waits for what is being written, and gives the directory back. */
  release(): Promise<void>;
}

/**
 * Takes the state directory for this process and loads the cursors.
 *
 * @param command what this process was started as, for whoever finds the directory locked
 * @throws StateLocked, CursorTooNew, PollardError `cursor_write_failed`, `cursor_read_failed`
 */
export async function openState(
  config: Config,
  command: string,
  clock: Clock,
  logger: Logger,
): Promise<State> {
  const dir = config.collector.state_dir;
  const owner = { pid: process.pid, host: hostname(), command, since: clock.now() };
  const lock = await acquireLock(dir, owner);
  try {
    const store = await CursorStore.open(dir, { clock, logger });
    for (const { message, hint, code } of stateNotices(await readStateFacts(dir))) {
      logger.warn(message, { code, hint });
    }
    return {
      lock,
      store,
      release: async () => {
        await store.settled();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
