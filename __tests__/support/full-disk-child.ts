/**
 * A process whose files may have one MiB only (RLIMIT_FSIZE): it writes more than that into a rejected-lines file,
 * is given room, and writes again. Prints what happened, as JSON.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { RejectedFile } from '../../src/loki/rejected.js';
import type { PollardError } from '../../src/model/errors.js';
import { LeapingClock } from './leaping-clock.js';
import { batchOf, NOW, numbered, pushLine } from './push-lines.js';

const path = process.argv[2] ?? '';
const file = await RejectedFile.open(path, new LeapingClock(NOW));
const reject = (lines: Parameters<typeof batchOf>[0]): Promise<unknown> =>
  file.write([{ entries: batchOf(lines).all(), status: 400, kind: 'too-old', reason: 'r' }]);

await reject([pushLine(NOW, 'before')]);
const sizes = [statSync(path).size];
const many = numbered(3000, NOW, 'x'.repeat(500));
const failures: unknown[] = [];
for (let tries = 0; tries < 3; tries++) {
  await reject(many).catch((error: unknown) => {
    const { code, message, hint, setting, exit, cause } = error as PollardError;
    failures.push({ code, message, hint, setting, exit, errno: (cause as NodeJS.ErrnoException).code });
  });
  sizes.push(statSync(path).size);
}
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
await reject(many);
await file.close();
console.log(JSON.stringify({ sizes, failures }));
