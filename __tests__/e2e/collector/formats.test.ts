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

const MIB = 1024 * 1024;
const EURO = '\u20ac';

/** What the pieces of one line say of themselves: their place in it, as the metadata and the timestamps have it. */
function toldOf(entries: ReturnType<typeof entriesOf>): readonly (readonly [string, string, string])[] {
  const [first] = entries;
  return entries.map(({ stamp, metadata }) => [
    metadata['line_piece'] ?? 'none',
    metadata['line_pieces'] ?? '',
    metadata['line_id'] === String(first?.stamp) ? String(stamp - (first?.stamp ?? 0n)) : 'another line',
  ]);
}

describeEngines('A line longer than Loki takes is delivered in pieces that join to it', (engine) => {
  test.each(['json-file', 'local'])(
    'driver %s: 1 MiB of one letter, blocks that repeat, 100,000 euro signs; verify judges them as lines',
    async (logDriver) => {
      await withInstallation(engine(), async (pollard) => {
        const { loki } = pollard;
        const service = await pollard.run();
        const block = (letter: string): string => `head -c ${MIB / 4} /dev/zero | tr '\\0' ${letter}`;
        const one = await runContainer(engine(), {
          cmd: `head -c ${MIB} /dev/zero | tr '\\0' A; echo`,
          logDriver,
        });
        const repeated = await runContainer(engine(), {
          cmd: `${['A', 'A', 'B', 'A'].map(block).join('; ')}; echo`,
          logDriver,
        });
        const euro = await runContainer(engine(), {
          cmd: `yes '${EURO}' | head -n 100000 | tr -d '\\n'; echo; echo after`,
          logDriver,
        });
        await Promise.all([one.wait(), repeated.wait(), euro.wait()]);
        await pollard.untilStored(4 + 4 + 2 + 1);
        expect(await pollard.settle(service)).toEqual(SETTLED);

        const letters = 'A'.repeat(MIB / 4);
        expect(entriesOf(loki, one).map(({ line }) => line.length)).toEqual(Array(4).fill(MIB / 4));
        expect(entriesOf(loki, one).every(({ line }) => line === letters)).toBe(true);
        expect(entriesOf(loki, repeated).map(({ line }) => [line.charAt(0), line.length])).toEqual(
          ['A', 'A', 'B', 'A'].map((letter) => [letter, MIB / 4]),
        );
        expect(toldOf(entriesOf(loki, repeated))).toEqual([
          ['1', '', '0'],
          ['2', '', '1'],
          ['3', '', '2'],
          ['4', '4', '3'],
        ]);
        const pieces = entriesOf(loki, euro).filter(({ line }) => line !== 'after');
        expect(pieces.every(({ line }) => Buffer.byteLength(line) <= MIB / 4)).toBe(true);
        expect(toldOf(pieces)).toEqual([
          ['1', '', '0'],
          ['2', '2', '1'],
        ]);
        const text = pieces.map(({ line }) => line).join('');
        // json-file itself keeps a character that it cuts at a chunk's end as U+FFFD.
        if (logDriver === 'local') expect(text === EURO.repeat(100_000)).toBe(true);
        expect(await pollard.verify()).toMatchObject({
          exit: 0,
          written: 4,
          delivered: 4,
          missing: 0,
          unknown: 0,
        });

        const [lost] = pieces as [(typeof pieces)[number]];
        loki.lose(1, undefined, ({ stamp }) => stamp === lost.stamp);
        expect(await pollard.verify()).toMatchObject({ exit: 7, written: 4, delivered: 3, missing: 1 });
        expect(await pollard.verify('--repair')).toMatchObject({ exit: 0, delivered: 4, missing: 0 });
        expect(
          entriesOf(loki, euro)
            .map(({ line }) => line)
            .join('') === `${text}after`,
        ).toBe(true);
      });
    },
  );

  test('local: a line that stays open for longer than lines.open_max_age is delivered, and judged so', async () => {
    const settings = { 'lines.open_max_age': '1s' };
    await withInstallation(
      engine(),
      async (pollard) => {
        const { loki } = pollard;
        const service = await pollard.run();
        const part = `head -c 125000 /dev/zero | tr '\\0' x`;
        const container = await runContainer(engine(), {
          cmd: `for i in 1 2 3 4; do ${part}; sleep 3; done; echo end`,
          logDriver: 'local',
        });
        await container.wait();
        await pollard.settle(service);
        const entries = entriesOf(loki, container);
        expect(entries.length).toBeGreaterThan(2);
        expect(entries.map(({ line }) => line).join('') === `${'x'.repeat(500_000)}end`).toBe(true);
        const before = loki.counts().entries;
        expect(await pollard.verify('--repair')).toMatchObject({
          exit: 0,
          written: 1,
          delivered: 1,
          missing: 0,
        });
        expect(loki.counts().entries).toBe(before);
      },
      { settings },
    );
  });
});

/** Long lines by their length and their ends: a difference is then one that can be read. */
function shorten(line: string): string {
  return line.length <= 200 ? line : `${line.slice(0, 20)}... ${line.length} ...${line.slice(-20)}`;
}
