import { parseStamp, type Nanoseconds } from '../../../src/model/nanoseconds.js';
import { readFrames, type TestContainer } from '../engines/index.js';

/** What of a container decides how its log is to be read. */
export interface LogShape {
  readonly tty?: boolean;
  readonly logDriver?: string;
}

export interface EngineLine {
  readonly stream: string;
  readonly stamp: Nanoseconds;
  readonly text: string;
}

/** At how many bytes the Engine cuts a line (moby: daemon/logger/copier.go). */
const FULL_CHUNK = 16384;

interface OpenLine {
  readonly stream: string;
  readonly stamp: Nanoseconds;
  readonly parts: Buffer[];
}

interface Chunk {
  readonly stream: string;
  readonly stamp: Nanoseconds;
  readonly bytes: Buffer;
  readonly terminated: boolean;
}

/** No test writes such a thing itself; so wherever it stands in a TTY's body, a chunk begins. */
const STAMP = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) /g;

/**
 * A container's whole log as the Engine shows it now, put together to lines: an unterminated chunk is continued
 * by the next one of the same stream with the same stamp (of journald, if it is a full one, with any stamp). As plain as can be and
 * independent of src/docker and src/collector: it is what those are judged by.
 *
 * @throws Error when the Engine does not answer with the whole log
 */
export async function engineLines(container: TestContainer, shape: LogShape = {}): Promise<EngineLine[]> {
  const answer = await container.logs();
  if (answer.status !== 200) throw new Error(`the log answered ${answer.status}: ${answer.body.toString()}`);
  const chunks = shape.tty === true ? ttyChunks(answer.body) : frameChunks(answer.body);
  const lines: OpenLine[] = [];
  const open = new Map<string, OpenLine>();
  for (const { stream, stamp, bytes, terminated } of chunks) {
    const before = open.get(stream);
    const goesOn =
      shape.logDriver === 'journald' ? before?.parts.at(-1)?.length === FULL_CHUNK : before?.stamp === stamp;
    const line = goesOn && before ? before : { stream, stamp, parts: [] };
    if (line !== before) lines.push(line);
    line.parts.push(bytes);
    if (terminated) open.delete(stream);
    else open.set(stream, line);
  }
  return lines.map(({ stream, stamp, parts }) => {
    const text = Buffer.concat(parts).toString('utf8');
    return { stream, stamp, text: shape.tty === true ? text.replace(/\r$/, '') : text };
  });
}

function frameChunks(body: Buffer): Chunk[] {
  return readFrames(body).map(({ stream, payload }) => {
    if (stream !== 1 && stream !== 2) throw new Error(`the daemon's error: ${payload.toString()}`);
    return chunk(stream === 1 ? 'stdout' : 'stderr', payload);
  });
}

function ttyChunks(body: Buffer): Chunk[] {
  // One character a byte, so that places in the text are places in the body.
  const starts = [...body.toString('latin1').matchAll(STAMP)].map(({ index }) => index);
  return starts.map((start, i) => chunk('stdout', body.subarray(start, starts[i + 1] ?? body.length)));
}

function chunk(stream: string, payload: Buffer): Chunk {
  const space = payload.indexOf(0x20);
  const stamp = parseStamp(payload.toString('latin1', 0, space));
  if (stamp === undefined) throw new Error(`no stamp: ${payload.toString('latin1', 0, 60)}`);
  const terminated = payload.at(-1) === 0x0a;
  return { stream, stamp, bytes: payload.subarray(space + 1, terminated ? -1 : undefined), terminated };
}
