import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../model/clock.js';
import type { BodyPlan } from './body-plan.js';

/** Writes handed to the kernel at once. Each is still a chunk of its own. */
const BATCH = 64;
/** After so many batches others have a turn. */
const BATCHES_A_TURN = 16;

/**
 * Sends a body, one chunk a write as the daemon does (it flushes after each: moby: pkg/ioutils, WriteFlusher),
 * as fast as the client reads. Resolves when all is said, or the client is gone; a hang lasts until then.
 */
export async function writeBody(
  response: ServerResponse,
  plan: BodyPlan,
  clock: Clock,
  gone: AbortSignal,
): Promise<void> {
  response.flushHeaders();
  let inBatch = 0;
  let batches = 0;
  const socket = response.socket;
  try {
    for (const bytes of plan.writes) {
      if (gone.aborted) return;
      if (plan.everyMs !== undefined) await clock.sleep(plan.everyMs, gone);
      else if (inBatch === 0) socket?.cork();
      const drained = response.write(bytes);
      if (plan.everyMs === undefined && ++inBatch < BATCH && drained) continue;
      if (plan.everyMs === undefined) socket?.uncork();
      inBatch = 0;
      if (!drained && response.writableNeedDrain) await once(response, 'drain', { signal: gone });
      else if (++batches % BATCHES_A_TURN === 0) await new Promise(setImmediate);
    }
    if (inBatch > 0) socket?.uncork();
  } catch (error) {
    if (gone.aborted) return;
    throw error;
  }
  if (plan.ending === 'end') {
    response.end();
    return;
  }
  if (plan.ending === 'break') {
    // An empty write calls back when all before it is with the kernel.
    await new Promise<void>((resolve) => {
      if (socket === null) resolve();
      else socket.write('', () => resolve());
    });
    socket?.destroy();
    return;
  }
  if (!gone.aborted) await once(gone, 'abort');
}
