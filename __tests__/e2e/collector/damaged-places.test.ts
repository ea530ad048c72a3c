import { describe, expect, jest, test } from '@jest/globals';
import { gapSpan, isGapText } from '../../../src/collector/gap.js';
import { formatStamp, NS_PER_MS, parseStamp } from '../../../src/model/nanoseconds.js';
import { linesOf, withInstallation } from '../../support/collector/index.js';
import {
  describeEngines,
  runToEnd,
  sinceOf,
  textsOrError,
  writeJsonLog,
  type JsonLogLine,
  type TestContainer,
} from '../../support/engines/index.js';

jest.setTimeout(600_000);

/** One file of a log: how many records, and which of them are overwritten with NUL bytes. */
interface File {
  readonly records: number;
  readonly damaged: readonly number[];
  /** Those whose newline is overwritten as well: the next record stands on the same line. */
  readonly joined?: readonly number[];
}

/** The files, oldest first; the last is the current one. */
const LOGS: Readonly<Record<string, readonly File[]>> = {
  'one damaged place': [{ records: 150, damaged: [75] }],
  'two damaged places': [{ records: 150, damaged: [40, 110] }],
  'damaged places close together': [{ records: 150, damaged: [70, 71, 72, 100, 102, 103, 105] }],
  'a long damaged place': [{ records: 200, damaged: Array.from({ length: 90 }, (_, i) => 60 + i) }],
  'a damaged place at the beginning': [{ records: 60, damaged: [1, 2] }],
  'damaged places at the beginning and in the middle': [{ records: 90, damaged: [1, 3, 50] }],
  'a damaged place at the end': [{ records: 60, damaged: [60] }],
  'damaged places in the middle and at the end': [{ records: 60, damaged: [20, 59, 60] }],
  'a damaged place that swallows a newline': [{ records: 90, damaged: [30], joined: [30] }],
  'damaged places in a rotated file': [
    { records: 100, damaged: [30, 60] },
    { records: 50, damaged: [] },
  ],
  'damaged places in every file': [
    { records: 60, damaged: [20, 60] },
    { records: 60, damaged: [1, 30] },
    { records: 60, damaged: [10, 40] },
  ],
};

interface Written {
  readonly container: TestContainer;
  /** Text and stamp, oldest first. */
  readonly records: readonly { readonly text: string; readonly time: string }[];
}

describeEngines('A log with damaged places', (engine) => {
  describe.each(Object.entries(LOGS))('with %s', (what, files) => {
    test.each([0, 12])(
      'shows each line that the Engine can be made to show, once, and each place is named (%d lines delivered before)',
      async (delivered) => {
        await withInstallation(engine(), async (pollard) => {
          const options = { 'max-size': '10m', 'max-file': String(files.length) };
          const container = await runToEnd(engine(), { cmd: 'sleep 1', logOptions: options });
          const log = recordsOf(files, await container.inspect());
          // Only where these lines are sound and in the oldest file.
          if (delivered > 0) {
            if (log.some(({ isSound }, i) => i < delivered && !isSound)) return;
            await writeJsonLog(container, { current: log.slice(0, delivered).map(({ line }) => line) });
            expect(await pollard.catchUp()).toMatchObject({ code: 0, summary: { lines: delivered } });
          }
          await writeJsonLog(container, {
            current: log.filter(({ file }) => file === files.length - 1).map(({ line }) => line),
            rotated: files
              .slice(0, -1)
              .map((_, index) => ({
                lines: log.filter(({ file }) => file === index).map(({ line }) => line),
              }))
              .reverse(),
          });
          const shown = await allThatIsShown({ container, records: log });
          const run = await pollard.catchUp();
          const held = linesOf(pollard.loki, container);
          const lines = held.filter((line) => !isGapText(line));
          expect({ what, lines }).toEqual({
            what,
            lines: log.map(({ text }) => text).filter((text) => shown.has(text)),
          });
          expect(run).toMatchObject({ code: 0, summary: { failed: [] } });
          expect(pollard.loki.counts()).toMatchObject({ strictDuplicates: 0 });

          const spans = held.filter(isGapText).map((mark) => gapSpan(mark));
          const found = await container.inspect();
          expect({ what, spans }).toEqual({ what, spans: placesOf(log, shown, found) });
          const again = await pollard.catchUp();
          expect(again.summary).toMatchObject({ lines: 0, gaps: 0 });
          const counts = { written: lines.length, delivered: lines.length, missing: 0, unknown: 0 };
          expect(await pollard.verify()).toMatchObject({ exit: 0, ...counts });
        });
      },
    );
  });
});

interface Record_ {
  readonly text: string;
  readonly time: string;
  readonly file: number;
  readonly isSound: boolean;
  readonly line: JsonLogLine;
}

/** One record each ms from the container's start on: fewer than it ran for. */
function recordsOf(files: readonly File[], { State }: Record<string, unknown>): Record_[] {
  const base = BigInt(Date.parse((State as { StartedAt: string }).StartedAt) + 1);
  let number = 0;
  return files.flatMap(({ records, damaged, joined = [] }, file) =>
    Array.from({ length: records }, (_, i) => {
      const isSound = !damaged.includes(i + 1);
      const text = `file ${file} record ${i + 1}`;
      const time = formatStamp((base + BigInt(number++)) * NS_PER_MS);
      const entry = { log: `${text}\n`, stream: 'stdout' as const, time };
      const nuls = '\0'.repeat(JSON.stringify(entry).length);
      const line = isSound ? entry : { raw: joined.includes(i + 1) ? `${nuls}\0` : `${nuls}\n` };
      return { text, time, file, isSound, line };
    }),
  );
}

/** So often each question is asked: of the lines before an error some are swallowed by chance. */
const TIMES = 4;

/** What the Engine shows in answer to any `tail`, with and without `since` and `until`. */
async function allThatIsShown({ container, records }: Written): Promise<Set<string>> {
  const shown = new Set<string>();
  const ask = async (query: Readonly<Record<string, string>>): Promise<void> => {
    for (const text of await textsOrError(container, query)) if (text !== 'ERROR') shown.add(text);
  };
  for (let times = 0; times < TIMES; times++) {
    await ask({});
    for (let tail = 1; tail <= records.length + 1; tail++) await ask({ tail: String(tail) });
  }
  for (const [index, { time }] of records.entries()) {
    const stamp = sinceOf(time);
    await ask({ since: stamp });
    await ask({ until: stamp });
    await ask({ tail: String(records.length - index), until: stamp });
  }
  return shown;
}

/** The damaged places between the lines that can be shown, as the marks are to name them. */
function placesOf(
  log: readonly Record_[],
  shown: ReadonlySet<string>,
  { Created, State }: Record<string, unknown>,
): { lastDelivered: bigint; firstAvailable: bigint }[] {
  // The list of containers has whole seconds.
  const created = (BigInt(Date.parse(Created as string)) / 1000n) * 1000n * NS_PER_MS;
  const finished = parseStamp((State as { FinishedAt: string }).FinishedAt) as bigint;
  const places: { lastDelivered: bigint; firstAvailable: bigint }[] = [];
  let before = created;
  let isMissing = false;
  for (const { text, time } of log) {
    const stamp = parseStamp(time) as bigint;
    if (!shown.has(text)) {
      isMissing = true;
      continue;
    }
    if (isMissing) places.push({ lastDelivered: before, firstAvailable: stamp });
    isMissing = false;
    before = stamp;
  }
  if (isMissing) places.push({ lastDelivered: before, firstAvailable: finished });
  return places;
}
