import { SingleBar } from 'cli-progress';
import type { BackfillProgress } from '../backfill/backfill.js';
import type { Clock } from '../model/clock.js';
import { formatSize, type Output } from './output.js';
import { shownText } from './shown-text.js';

export interface ShownProgress {
  readonly update: (progress: BackfillProgress) => void;
  readonly end: () => void;
}

/** Without a terminal a plain line comes every so many ms, and none for a short run. */
const PLAIN_EVERY_MS = 10_000;
/** ms between two changes of the bar. */
const BAR_EVERY_MS = 100;

/** Shows how far a backfill is: a bar on a terminal, else a line now and then. */
export function backfillProgress(stream: Output['err'], clock: Clock): ShownProgress {
  return stream.isTTY === true ? bar(stream, clock) : plainLines(stream, clock);
}

function bar(stream: Output['err'], clock: Clock): ShownProgress {
  const shown = new SingleBar({
    stream,
    format:
      '{bar} {value}/{total} containers  {lines} lines  {size}  {rate}/s  ETA {eta_formatted}  {current}',
    hideCursor: true,
    clearOnComplete: true,
  });
  const begun = clock.monotonic();
  let [started, changedAt] = [false, -Infinity];
  return {
    update: (progress) => {
      const { done, total, entries, bytes, current } = progress;
      const now = clock.monotonic();
      if (started && done < total && now - changedAt < BAR_EVERY_MS) return;
      changedAt = now;
      const payload = {
        lines: entries,
        size: formatSize(bytes),
        rate: rateText(bytes, now - begun),
        current: shownText(current.join(', '), 40),
      };
      if (!started) shown.start(total, done, payload);
      else shown.update(done, payload);
      started = true;
    },
    end: () => shown.stop(),
  };
}

function plainLines(stream: Output['err'], clock: Clock): ShownProgress {
  const begun = clock.monotonic();
  let saidAt = begun;
  return {
    update: ({ done, total, entries, bytes, current }) => {
      const now = clock.monotonic();
      if (now - saidAt < PLAIN_EVERY_MS) return;
      saidAt = now;
      stream.write(
        `backfill: ${done}/${total} containers, ${entries} lines sent, ${formatSize(bytes)}, ` +
          `${rateText(bytes, now - begun)}/s, at ${shownText(current.join(', '), 80)}\n`,
      );
    },
    end: () => undefined,
  };
}

function rateText(bytes: number, ms: number): string {
  return formatSize(ms <= 0 ? 0 : Math.round((bytes * 1000) / ms));
}
