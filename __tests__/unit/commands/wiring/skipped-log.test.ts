import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SkippedLog } from '../../../../src/commands/wiring/skipped-log.js';
import type { UnstoredLines } from '../../../../src/loki/unstored-lines.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { HOUR, NOW, SECOND, testTarget } from '../../../support/push-lines.js';
import { RecordingLogger } from '../../../support/recording-logger.js';

let clock: ManualClock;
let logger: RecordingLogger;
let log: SkippedLog;

beforeEach(() => {
  clock = new ManualClock(NOW);
  logger = new RecordingLogger();
  log = new SkippedLog({ logger, clock, repeatInterval: 60_000 });
});
afterEach(() => log.close());

const old = (containerName: string, stream: string, from: bigint, lines = 100): UnstoredLines => ({
  target: testTarget({
    labels: { stream },
    containerName,
    structuredMetadata: { container_id: containerName },
  }),
  kind: 'too-old',
  reason: 'older than the 7 days that Loki accepts',
  lines,
  from,
  until: from + SECOND,
});
const said = (): string[] => logger.messages.map(({ message }) => message);

test('one message for all lines of a container that are skipped in a row, of both streams', async () => {
  for (let i = 0; i < 123; i++) {
    log.add(old('web', i % 2 === 0 ? 'stdout' : 'stderr', NOW - 1000n * HOUR + BigInt(i) * SECOND));
    await clock.pass(100);
    log.look();
  }
  log.add(old('web', 'stdout', NOW - 999n * HOUR, 45));
  log.add(old('db', 'stdout', NOW - 1000n * HOUR, 1));
  expect(said()).toEqual([]);
  await clock.pass(3000);
  log.look();
  expect(said()).toEqual([
    '12,345 lines from 2023-10-04T06:13:20.000000000Z to 2023-10-04T07:13:21.000000000Z skipped: older than the 7 days that Loki accepts',
    expect.stringMatching(/^1 line from /),
  ]);
  expect(logger.messages[0]).toMatchObject({ level: 'warn', fields: { container: 'web', lines: 12_345 } });
  await clock.pass(60_000);
  log.look();
  log.close();
  expect(said()).toHaveLength(2);
});

test('a row that takes long is reported now and then, with the total so far', async () => {
  for (let second = 0; second < 150; second++) {
    log.add(old('web', 'stdout', NOW - 1000n * HOUR));
    await clock.pass(1000);
    log.look();
  }
  await clock.pass(3000);
  log.look();
  expect(logger.messages.map(({ fields }) => fields['lines'])).toEqual([6000, 12_000, 15_000]);
});

test('what is not reported yet is at the end', () => {
  log.add(old('web', 'stdout', NOW));
  log.close();
  log.close();
  expect(said()).toHaveLength(1);
});

test('the rows of very many containers are bounded, and each line is reported', () => {
  for (let i = 0; i < 2500; i++) log.add(old(`web-${i}`, 'stdout', NOW));
  expect(said()).toHaveLength(2000);
  log.close();
  expect(new Set(logger.messages.map(({ fields }) => fields['container'])).size).toBe(2500);
});
