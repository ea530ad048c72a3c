import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import { isUnused, leaveEndMark, takeEndMark } from '../../cursors/end-mark.js';
import { acquireLock, type StateLock } from '../../cursors/lock.js';
import { readStateFacts, stateNotices } from '../../cursors/state-notices.js';
import { CursorStore } from '../../cursors/store.js';
import type { Clock } from '../../model/clock.js';
import type { Logger } from '../../model/logger.js';

/** The state directory, owned by this process until released. */
export interface State {
  readonly lock: StateLock;
  readonly store: CursorStore;
  /** All that earlier processes sent is covered by the cursors. */
  readonly endedInOrder: boolean;
  /**
   * Waits for what is being written, and gives the directory back.
   *
   * @param inOrder all that was sent is covered by the cursors. Default: nothing was sent, and no cursor was changed
   */
  release(inOrder?: boolean): Promise<void>;
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
    const unused = await isUnused(dir);
    const store = await CursorStore.open(dir, { clock, logger });
    const endedInOrder = (await takeEndMark(dir, store.all())) || unused;
    for (const { message, hint, code } of stateNotices(await readStateFacts(dir))) {
      logger.warn(message, { code, hint });
    }
    return {
      lock,
      store,
      endedInOrder,
      release: async (inOrder = endedInOrder) => {
        try {
          await store.settled();
          if (inOrder) await leaveEndMark(dir, store.all());
        } catch (error) {
          logger.warn('the state directory could not be marked as left in order: the next start asks Loki', {
            error,
          });
        } finally {
          lock.release();
        }
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
