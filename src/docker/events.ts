import * as z from 'zod';
import { formatSince, NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import type { EngineApi } from './engine-api.js';
import { badAnswerError, type EngineQuestion } from './engine-error.js';
import type { EventRange } from './event-window.js';

/** Something that happened in the Engine. */
export interface EngineEvent {
  /** container, image, network, volume, daemon, … */
  readonly type: string;
  /** create, start, die, destroy, rename, `exec_create: sh`, … */
  readonly action: string;
  /** Of a container: its 64 digits. */
  readonly id: string;
  readonly timeNano: Nanoseconds;
  /** Of a container: its labels, image and name; of die also exitCode, of rename oldName. */
  readonly attributes: Readonly<Record<string, string>>;
}

const eventShape = z.object({
  Type: z.string().nullish(),
  Action: z.string().nullish(),
  Actor: z
    .object({ ID: z.string().nullish(), Attributes: z.record(z.string(), z.string()).nullish() })
    .nullish(),
  time: z.number().int().nullish(),
});

/**
 * A number of JSON is rounded to 2^53, which a time in nanoseconds is past; so it is read from the text. The key
 * cannot be mistaken: inside a string its quotes would be escaped, and all of a label's values are strings.
 */
const TIME_NANO = /"timeNano":\s*(\d{1,19})\b/;

/**
 * What the Engine remembers of this time, in the order in which it happened (Engine API, SystemEvents): at most
 * the last 256 events of all types, unfiltered, so that the last seen one among them proves that none was missed.
 * The answer ends by itself, since `until` is not in the Engine's future; the deadline of the request holds
 * anyway.
 *
 * @throws EngineError
 */
export async function readEvents(
  api: EngineApi,
  range: EventRange,
  signal: AbortSignal,
): Promise<EngineEvent[]> {
  const path = '/events';
  const query = { since: formatSince(range.since), until: formatSince(range.until) };
  const { body } = await api.get({ path, query }, signal);
  return parseEvents({ endpoint: api.endpoint, path }, body);
}

/** @throws EngineError `engine_bad_answer` for a line that is no event */
export function parseEvents(question: EngineQuestion, body: Buffer): EngineEvent[] {
  const events: EngineEvent[] = [];
  let at = 0;
  while (at < body.length) {
    const newline = body.indexOf(0x0a, at);
    const end = newline < 0 ? body.length : newline;
    const line = body.toString('utf8', at, end);
    if (line.trim() !== '') events.push(parseEvent(question, line));
    at = end + 1;
  }
  return events;
}

function parseEvent(question: EngineQuestion, line: string): EngineEvent {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw badAnswerError(question, 'a line that is no event', error);
  }
  const parsed = eventShape.safeParse(json);
  const nano = TIME_NANO.exec(line)?.[1];
  const seconds = parsed.data?.time ?? undefined;
  if (!parsed.success || (nano === undefined && seconds === undefined)) {
    throw badAnswerError(question, 'a line that is no event', parsed.error);
  }
  const { Type, Action, Actor } = parsed.data;
  return {
    type: Type ?? '',
    action: Action ?? '',
    id: Actor?.ID ?? '',
    timeNano: nano === undefined ? BigInt(seconds ?? 0) * NS_PER_SECOND : BigInt(nano),
    attributes: Actor?.Attributes ?? {},
  };
}
