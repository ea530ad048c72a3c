import { runToEnd } from './container.js';
import type { TestContainer } from './container.js';
import type { RunningEngine } from './running-engine.js';
import { readFrames, readStampedFrames } from './frames.js';
import type { StampedFrame } from './frames.js';
import { writeJsonLog } from './json-log.js';
import type { JsonLog } from './json-log.js';

type Query = Readonly<Record<string, string>>;

/** A container that has ended, with a json-file log written by hand. */
export async function containerWithLog(
  engine: RunningEngine,
  log: JsonLog,
  logOptions: Query = {},
): Promise<TestContainer> {
  const container = await runToEnd(engine, { cmd: 'true', logOptions });
  await writeJsonLog(container, log);
  return container;
}

/** The frames of an answer; throws when it is not a 200, or holds an error of the daemon. */
export async function frames(container: TestContainer, query: Query = {}): Promise<StampedFrame[]> {
  const answer = await container.logs(query);
  if (answer.status !== 200) throw new Error(`the log answered ${answer.status}: ${answer.body.toString()}`);
  const all = readStampedFrames(answer.body);
  if (all.some((frame) => frame.stream === 3))
    throw new Error(`the daemon's error: ${answer.body.toString()}`);
  return all;
}

/** The texts of an answer's frames, without their newlines. */
export async function texts(container: TestContainer, query: Query = {}): Promise<string[]> {
  return (await frames(container, query)).map((frame) => frame.text.replace(/\n$/, ''));
}

/** The texts of an answer's frames, and `ERROR` for one of the daemon's own, which ends the body. */
export async function textsOrError(container: TestContainer, query: Query = {}): Promise<string[]> {
  const answer = await container.logs(query);
  return readFrames(answer.body).map(({ stream, payload }) => {
    if (stream === 3) return 'ERROR';
    return payload.toString('utf8', payload.indexOf(0x20) + 1).replace(/\n$/, '');
  });
}

/** A time stamp of the Engine (in UTC) as `since` and `until` take it. */
export function sinceOf(stamp: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(stamp);
  if (!match?.[1]) throw new Error(`not a time stamp in UTC: ${stamp}`);
  return `${Date.parse(`${match[1]}Z`) / 1000}.${(match[2] ?? '').padEnd(9, '0')}`;
}
