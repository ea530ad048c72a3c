import { expect, jest, test } from '@jest/globals';
import { isGapText } from '../../../src/collector/gap.js';
import { formatStamp, NS_PER_MS } from '../../../src/model/nanoseconds.js';
import { linesOf, withInstallation } from '../../support/collector/index.js';
import {
  describeEngines,
  gzip,
  runToEnd,
  writeJsonLog,
  type TestContainer,
  type JsonLog,
  type JsonLogEntry,
} from '../../support/engines/index.js';
import { numbered } from '../../support/numbered.js';

jest.setTimeout(300_000);

const LINES = 40;
const GARBAGE = { raw: 'garbage\n' };
const NO_LOG_LINE = { raw: '{"log":"lost\\n","stream":"stdout","time":"nonsense"}\n' };
const NULS = '\0'.repeat(4096);
/** A line that a full disk or a loss of power cut short; what is written next continues it. */
const TORN = { raw: '{"log":"to' };

/** One line each 10 ms. @param at ms since 1970 */
function lines(name: string, at: number): JsonLogEntry[] {
  return numbered(name, LINES).map((text, i) => ({
    log: `${text}\n`,
    stream: 'stdout',
    time: formatStamp(BigInt(at + i * 10) * NS_PER_MS),
  }));
}

const base = Date.now() - 60_000;
const before = lines('before', base);
const behind = lines('behind', base + 1000);
const later = lines('later', base + 2000);
const lastStamp = before.at(-1)?.time as string;

interface Spoiled {
  readonly log: JsonLog;
  /** Of the lines behind the damage: what need not be there, as it is damaged itself. */
  readonly swallowed?: readonly string[];
  /** What is behind the damage. */
  readonly names: readonly string[];
  /** The damaged line is lost, whatever can be read, and that is told. */
  readonly isNamed?: boolean;
  /** The Engine opens compressed files first of all, and may refuse the whole log for one that is damaged. */
  readonly mayRefuse?: boolean;
}

const SPOILED: Readonly<Record<string, Spoiled>> = {
  'a line that is no JSON': { log: { current: [...before, GARBAGE, ...behind] }, names: ['behind'] },
  'a line that is JSON and no log line': {
    log: { current: [...before, NO_LOG_LINE, ...behind] },
    names: ['behind'],
    isNamed: true,
  },
  'a line of NUL bytes': {
    log: { current: [...before, { raw: `${NULS}\n` }, ...behind] },
    names: ['behind'],
  },
  'NUL bytes before a line': {
    log: { current: [...before, { raw: NULS }, ...behind] },
    names: ['behind'],
    swallowed: ['behind 1'],
  },
  'a torn line before another': {
    log: { current: [...before, TORN, ...behind] },
    names: ['behind'],
    swallowed: ['behind 1'],
  },
  'a torn line at the end': { log: { current: [...before, ...behind, TORN] }, names: ['behind'] },
  'a spoilt line that was rotated away': {
    log: { current: behind, rotated: [{ lines: [...before, GARBAGE] }] },
    names: ['behind'],
  },
  // Engines up to 20.10 and from 27.4 on go on with the next file, without a word.
  'a spoilt line in a file that was rotated away since': {
    log: { current: later, rotated: [{ lines: [...before, GARBAGE, ...behind] }] },
    names: ['behind', 'later'],
    swallowed: numbered('behind', LINES),
  },
  'a torn line in a file that was rotated away since': {
    log: { current: later, rotated: [{ lines: [...before, TORN, ...behind] }] },
    names: ['behind', 'later'],
    swallowed: numbered('behind', LINES),
  },
  'a compressed file that is none': {
    log: { current: behind, rotated: [{ lines: [], spoiled: Buffer.from('this is no gzip') }] },
    names: ['behind'],
    mayRefuse: true,
  },
  'a compressed file that is cut short': {
    log: {
      current: later,
      rotated: [{ lines: behind }, { lines: [], spoiled: gzip(before, lastStamp).subarray(0, -12) }],
    },
    names: ['behind', 'later'],
    mayRefuse: true,
  },
  'an empty compressed file': {
    log: { current: later, rotated: [{ lines: behind }, { lines: [], spoiled: Buffer.alloc(0) }] },
    names: ['behind', 'later'],
    mayRefuse: true,
  },
};

describeEngines('A log that was spoilt behind what was delivered', (engine) => {
  test('what the Engine can still reach is delivered once, what it cannot is told; nothing is passed over in silence', async () => {
    await withInstallation(engine(), async (pollard) => {
      const containers: Record<string, TestContainer> = {};
      for (const what of Object.keys(SPOILED)) {
        const logOptions = { 'max-size': '1m', 'max-file': '5', compress: 'true' };
        const name = what.replaceAll(' ', '-');
        containers[what] = await runToEnd(engine(), { cmd: 'echo now', logOptions, name });
        await writeJsonLog(containers[what], { current: before });
      }
      expect(await pollard.catchUp()).toMatchObject({ code: 0 });
      for (const [what, { log }] of Object.entries(SPOILED))
        await writeJsonLog(containers[what] as TestContainer, log);

      const { summary } = await pollard.catchUp();
      const refused = new Map(summary.failed.map(({ container, ...rest }) => [container, rest]));
      for (const [what, { names, swallowed = [], isNamed, mayRefuse }] of Object.entries(SPOILED)) {
        const container = containers[what] as TestContainer;
        const held = linesOf(pollard.loki, container);
        const found = { what, held: held.filter((line) => /^(before|behind|later) /.test(line)) };
        const reason = refused.get(what.replaceAll(' ', '-'));
        if (mayRefuse === true && reason !== undefined) {
          expect({ what, ...reason }).toMatchObject({ what, code: 'log_daemon_error' });
          expect(found).toEqual({ what, held: numbered('before', LINES) });
          continue;
        }
        expect({ what, reason }).toEqual({ what, reason: undefined });
        const all = ['before', ...names].flatMap((name) => numbered(name, LINES));
        const lacking = all.filter((line) => !found.held.includes(line));
        expect({ what, lacking: lacking.filter((line) => !swallowed.includes(line)) }).toEqual({
          what,
          lacking: [],
        });
        expect({ what, held: found.held.length }).toEqual({ what, held: all.length - lacking.length });
        if (lacking.length > 0 || isNamed === true)
          expect({ what, marks: held.filter(isGapText).length }).toEqual({ what, marks: 1 });
      }

      const again = await pollard.catchUp();
      expect(again.summary).toMatchObject({ lines: 0, gaps: 0 });
      // What the Engine can be made to show is judged. Up to 27.3 it shows nothing of a log with a spoilt .gz file.
      const exit = engine().atLeast(27, 4) ? 0 : 6;
      expect(await pollard.verify()).toMatchObject({ exit, missing: 0, refused: 0 });
    });
  });
});
