import { expect, jest, test } from '@jest/globals';
import {
  ALL_THERE,
  entriesOf,
  reconcile,
  reconcileWithEngine,
  SETTLED,
  withInstallation,
} from '../../support/collector/index.js';
import { describeEngines, runContainer } from '../../support/engines/index.js';

jest.setTimeout(180_000);

const CHUNK = 16384;
/** Around the size at which the Engine cuts a line, with and without the `\r` of a TTY, and far beyond it. */
const LENGTHS = [CHUNK - 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 40_000, 200_000];

/** A command that prints a line of so many letters; it begins with its length, so that no two are alike. */
const longLine = (length: number): string =>
  `printf ${length}; head -c ${length - String(length).length} /dev/zero | tr '\\0' x`;
const longText = (length: number): string => String(length).padEnd(length, 'x');

const SCRIPT = [
  'echo first',
  'echo',
  `printf 'crlf\\r\\n'`,
  `printf '\\033[31mred\\033[0m\\n'`,
  `printf 'broken \\377 byte\\n'`,
  `echo '  spaces and a tab\t '`,
  'echo "[\\"json\\", {\\"a\\": 1}]"',
  ...LENGTHS.map((length) => `${longLine(length)}; echo`),
  // A line that goes on after polls have seen its first chunk; the other stream speaks meanwhile.
  `${longLine(CHUNK + 5)}; sleep 1.5; echo ' and its end'`,
  'echo behind',
  'printf unterminated',
].join('; ');

const LINES = [
  'first',
  '',
  'crlf\r',
  '\u001b[31mred\u001b[0m',
  'broken \ufffd byte',
  '  spaces and a tab\t ',
  '["json", {"a": 1}]',
  ...LENGTHS.map(longText),
  `${longText(CHUNK + 5)} and its end`,
  'behind',
  'unterminated',
];

/** Runs beside the script and writes to stderr. */
const ERRORS = Array.from({ length: 20 }, (_, i) => `error ${i + 1}`);
const ERROR_LOOP = `for i in $(seq 1 20); do echo "error $i" >&2; usleep 100000; done`;

describeEngines('What containers write arrives as they wrote it', (engine) => {
  test.each(['json-file', 'local'])(
    'driver %s, with and without a TTY: long and empty lines, CRLF, ANSI, broken UTF-8, no end',
    async (logDriver) => {
      await withInstallation(engine(), async (pollard) => {
        const { loki } = pollard;
        const service = await pollard.run();
        const frames = await runContainer(engine(), {
          cmd: `{ ${ERROR_LOOP}; } & ${SCRIPT}; wait`,
          logDriver,
        });
        const tty = await runContainer(engine(), { cmd: SCRIPT, tty: true, logDriver });
        await pollard.untilStored(2 * LINES.length + ERRORS.length);
        await Promise.all([frames.wait(), tty.wait()]);
        expect(await pollard.settle(service)).toEqual(SETTLED);

        const written = [
          { container: frames, stdout: LINES, stderr: ERRORS },
          { container: tty, stdout: LINES },
        ];
        expect(reconcile(written, loki)).toEqual(ALL_THERE);
        const inEngine = [
          { container: frames, logDriver },
          { container: tty, tty: true, logDriver },
        ];
        expect(await reconcileWithEngine(inEngine, loki)).toEqual(ALL_THERE);
        for (const container of [frames, tty]) {
          const stdout = entriesOf(loki, container).filter(({ labels }) => labels['stream'] === 'stdout');
          expect(stdout.map(({ line }) => shorten(line))).toEqual(LINES.map(shorten));
        }
      });
    },
  );
});

/** Long lines by their length and their ends: a difference is then one that can be read. */
function shorten(line: string): string {
  return line.length <= 200 ? line : `${line.slice(0, 20)}... ${line.length} ...${line.slice(-20)}`;
}
