import { SingleBar } from 'cli-progress';
import type { CatchUpSummary } from '../collector/catch-up.js';
import type { Clock } from '../model/clock.js';
import { formatSize, type Output } from './output.js';

export interface CatchUpProgress {
  readonly update: (summary: CatchUpSummary, total: number) => void;
  readonly end: () => void;
}

/** Without a terminal (cron, a pipe) a plain line comes every so many ms, and none for a short run. */
const PLAIN_EVERY_MS = 10_000;

/** Shows how far a catch-up is: a bar on a terminal, else a line now and then. */
export function catchUpProgress(stream: Output['err'], clock: Clock): CatchUpProgress {
  return stream.isTTY === true ? bar(stream) : plainLines(stream, clock);
}

function bar(stream: Output['err']): CatchUpProgress {
  const shown = new SingleBar({
    stream,
    format: '{bar} {value}/{total} containers  {lines} lines  {size}  {duration_formatted}',
    hideCursor: true,
    clearOnComplete: true,
  });
  let started = false;
  return {
    update: ({ containers, lines, bytes }, total) => {
      const payload = { lines, size: formatSize(bytes) };
      if (!started) shown.start(total, containers, payload);
      else shown.update(containers, payload);
      started = true;
    },
    end: () => shown.stop(),
  };
}

function plainLines(stream: Output['err'], clock: Clock): CatchUpProgress {
  let saidAt = clock.monotonic();
  return {
    update: ({ containers, lines, bytes }, total) => {
      if (clock.monotonic() - saidAt < PLAIN_EVERY_MS) return;
      saidAt = clock.monotonic();
      stream.write(`catch-up: ${containers}/${total} containers, ${lines} lines, ${formatSize(bytes)}\n`);
    },
    end: () => undefined,
  };
}
