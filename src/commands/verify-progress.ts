import { SingleBar } from 'cli-progress';
import type { AuditProgress } from '../audit/audit.js';
import type { Clock } from '../model/clock.js';
import type { Output } from './output.js';

export interface VerifyProgress {
  readonly update: (progress: AuditProgress) => void;
  readonly end: () => void;
}

/** Without a terminal a plain line comes every so many ms, and none for a short run. */
const PLAIN_EVERY_MS = 10_000;

/** Shows how far an audit is: a bar on a terminal, else a line now and then. */
export function verifyProgress(stream: Output['err'], clock: Clock): VerifyProgress {
  return stream.isTTY === true ? bar(stream) : plainLines(stream, clock);
}

function bar(stream: Output['err']): VerifyProgress {
  const shown = new SingleBar({
    stream,
    format: '{bar} {value}/{total} containers  {lines} lines  {missing} missing  {duration_formatted}',
    hideCursor: true,
    clearOnComplete: true,
  });
  let started = false;
  return {
    update: ({ done, total, lines, missing }) => {
      if (!started) shown.start(total, done, { lines, missing });
      else shown.update(done, { lines, missing });
      started = true;
    },
    end: () => shown.stop(),
  };
}

function plainLines(stream: Output['err'], clock: Clock): VerifyProgress {
  let saidAt = clock.monotonic();
  return {
    update: ({ done, total, lines, missing }) => {
      if (clock.monotonic() - saidAt < PLAIN_EVERY_MS) return;
      saidAt = clock.monotonic();
      stream.write(`verify: ${done}/${total} containers, ${lines} lines, ${missing} missing\n`);
    },
    end: () => undefined,
  };
}
