import * as z from 'zod';
import { formatSince, NS_PER_SECOND, type Nanoseconds } from '../model/nanoseconds.js';
import type { EngineApi } from './engine-api.js';
import { badAnswerError, type EngineQuestion } from './engine-error.js';
import type { EventRange } from './event-window.js';
import { malformedItem, problemOf, type MalformedItem } from './malformed.js';

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
    .object({
      ID: z.string().nullish(),
      // Only hints are taken from them.
      Attributes: z.record(z.string(), z.string()).nullish().catch(undefined),
    })
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
 * @throws EngineError, also `engine_bad_answer` for an answer in which nothing looks like an event
 */
export async function readEvents(
  api: EngineApi,
  range: EventRange,
  signal: AbortSignal,
): Promise<ReadEvents> {
  const path = '/events';
  const query = { since: formatSince(range.since), until: formatSince(range.until) };
  const { body } = await api.get({ path, query }, signal);
  return parseEvents({ endpoint: api.endpoint, path }, body);
}

/** What an answer tells; lines that cannot be understood are skipped. */
export interface ReadEvents {
  readonly events: readonly EngineEvent[];
  readonly malformed: readonly MalformedItem[];
}

/** @throws EngineError `engine_bad_answer` when no line of it is a JSON object */
export function parseEvents(question: EngineQuestion, body: Buffer): ReadEvents {
  const events: EngineEvent[] = [];
  const malformed: MalformedItem[] = [];
  let isAnswer = false;
  let at = 0;
  while (at < body.length) {
    const newline = body.indexOf(0x0a, at);
    const end = newline < 0 ? body.length : newline;
    const line = body.toString('utf8', at, end);
    at = end + 1;
    if (line.trim() === '') continue;
    const json = jsonOf(line);
    isAnswer ||= json !== undefined;
    const event = parseEvent(line, json);
    if ('problem' in event) malformed.push(event);
    else events.push(event);
  }
  const [first] = malformed;
  if (first !== undefined && !isAnswer) throw badAnswerError(question, 'lines that are no events');
  return { events, malformed };
}

/** Undefined: it is no JSON object. */
function jsonOf(line: string): object | undefined {
  try {
    const json: unknown = JSON.parse(line);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function parseEvent(line: string, json: object | undefined): EngineEvent | MalformedItem {
  if (json === undefined) return malformedItem('event', undefined, 'is no JSON object', line);
  const parsed = eventShape.safeParse(json);
  if (!parsed.success) return malformedItem('event', undefined, problemOf(parsed.error), line);
  const { Type, Action, Actor, time } = parsed.data;
  const nano = TIME_NANO.exec(line)?.[1];
  if (nano === undefined && typeof time !== 'number') {
    return malformedItem('event', Actor?.ID, 'has no time', line);
  }
  return {
    type: Type ?? '',
    action: Action ?? '',
    id: Actor?.ID ?? '',
    timeNano: nano === undefined ? BigInt(time ?? 0) * NS_PER_SECOND : BigInt(nano),
    attributes: Actor?.Attributes ?? {},
  };
}
