import { Writer } from 'protobufjs/minimal.js';
import { compressSync } from 'snappy';
import { NS_PER_SECOND, type Nanoseconds } from '../../src/model/nanoseconds.js';

export interface TestEntry {
  stamp: Nanoseconds;
  line: string | Uint8Array;
  metadata?: Record<string, string>;
}

export interface TestStream {
  /** As sent: `{a="b"}`. */
  labels: string;
  entries: TestEntry[];
}

/** A push request as protobuf, written by another library than Pollard's own encoder. */
export function encodePushRequest(streams: readonly TestStream[]): Buffer {
  const writer = Writer.create();
  for (const { labels, entries } of streams) {
    writer.uint32((1 << 3) | 2).fork();
    writer.uint32((1 << 3) | 2).string(labels);
    for (const { stamp, line, metadata } of entries) {
      writer.uint32((2 << 3) | 2).fork();
      writer.uint32((1 << 3) | 2).fork();
      writer.uint32((1 << 3) | 0).int64(Number(stamp / NS_PER_SECOND));
      writer.uint32((2 << 3) | 0).int32(Number(stamp % NS_PER_SECOND));
      writer.ldelim();
      writer.uint32((2 << 3) | 2);
      if (typeof line === 'string') writer.string(line);
      else writer.bytes(line);
      for (const [name, value] of Object.entries(metadata ?? {})) {
        writer.uint32((3 << 3) | 2).fork();
        writer.uint32((1 << 3) | 2).string(name);
        writer.uint32((2 << 3) | 2).string(value);
        writer.ldelim();
      }
      writer.ldelim();
    }
    writer.ldelim();
  }
  return Buffer.from(writer.finish());
}

export interface PushAnswer {
  status: number;
  body: string;
  headers: Headers;
}

/** Pushes as protobuf and snappy. */
export async function pushToLoki(
  url: string,
  streams: readonly TestStream[],
  headers: Record<string, string> = {},
): Promise<PushAnswer> {
  return postToLoki(url, compressSync(encodePushRequest(streams)), {
    'content-type': 'application/x-protobuf',
    ...headers,
  });
}

/** Posts a body as it is. */
export async function postToLoki(
  url: string,
  body: Uint8Array,
  headers: Record<string, string>,
): Promise<PushAnswer> {
  const answer = await fetch(`${url}/loki/api/v1/push`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers,
  });
  return { status: answer.status, body: await answer.text(), headers: answer.headers };
}
