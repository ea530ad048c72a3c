import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { recordBytes } from '../../../src/collector/record-size.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { describeEngines, runToEnd } from '../../support/engines/index.js';
import { logsReader } from '../../support/read-logs.js';

jest.setTimeout(180_000);

/** All that takes more bytes in a file than in an answer. */
const SCRIPT = [
  'seq 100',
  String.raw`printf 'quotes " backslash \\ <tag> & tab\t return\r\n'`,
  String.raw`printf '\033[33mcolour\033[0m\n\n'`,
  String.raw`printf 'ü € 😀 \342\200\250 \377\n'`,
  String.raw`head -c 20000 /dev/zero | tr '\0' x; echo`,
  'echo end >&2',
].join('; ');

describeEngines('The size of a log on disk', (engine) => {
  test.each([
    { format: 'json-file', tty: false },
    { format: 'json-file', tty: true },
    { format: 'local', tty: false },
    { format: 'local', tty: true },
  ] as const)('of $format, TTY $tty: as it is worked out from an answer', async ({ format, tty }) => {
    const container = await runToEnd(engine(), { cmd: SCRIPT, logDriver: format, tty });
    const reader = logsReader({ kind: 'unix', path: engine().socketPath }, container.id);
    await reader.read({ tty });
    const limit = { format, fileBytes: 1, files: 2, attributeBytes: 0 };
    let bytes = 0;
    for (const { stamp, text, terminated } of reader.collected.entries) {
      bytes += recordBytes(limit, tty, Number(stamp % NS_PER_SECOND), text, 0, text.length, terminated);
    }
    const log = container.logPath();
    const real = statSync(
      format === 'json-file' ? log : join(dirname(log), 'local-logs', 'container.log'),
    ).size;
    // With a line of several chunks, driver local keeps more than an answer shows.
    const unseen = format === 'local' ? 80 : 0;
    expect(bytes).toBeGreaterThanOrEqual(real - unseen);
    expect(bytes).toBeLessThanOrEqual(real + 10);
    await container.remove();
  });
});
