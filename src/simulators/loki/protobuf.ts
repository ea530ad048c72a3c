import { Reader } from 'protobufjs/minimal.js';
import { NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';
import { NO_METADATA, type Entry, type PushedStream } from './entry.js';
import type { Label } from './labels.js';

/**
 * The push request of pkg/push/push.proto:
 *
 *   PushRequest      1 streams, repeated
 *   StreamAdapter    1 labels, 2 entries, repeated, 3 hash
 *   EntryAdapter     1 timestamp, 2 line, 3 structuredMetadata, repeated, 4 parsed, repeated
 *   LabelPairAdapter 1 name, 2 value
 *   Timestamp        1 seconds, 2 nanos
 */

/** A field is looked for by its tag, number and wire type at once: another wire type is a malformed message. */
const LENGTH_DELIMITED = 2;
const VARINT = 0;

const tag = (field: number, wireType: number): number => (field << 3) | wireType;
const FIRST = tag(1, LENGTH_DELIMITED);
const SECOND = tag(2, LENGTH_DELIMITED);
const THIRD = tag(3, LENGTH_DELIMITED);
const FOURTH = tag(4, LENGTH_DELIMITED);
const SECONDS = tag(1, VARINT);
const NANOS = tag(2, VARINT);

/** Go's zero time, the stamp of an entry without one: the year 1. */
const ZERO_TIME_SECONDS = -62_135_596_800;
const YEAR_10000_SECONDS = 253_402_300_800;

/**
 * Decodes a push request.
 *
 * @throws Error when the bytes are none
 */
export function decodePush(body: Buffer): PushedStream[] {
  const streams: PushedStream[] = [];
  const reader = Reader.create(body);
  while (reader.pos < reader.len) {
    const field = reader.uint32();
    if (field === FIRST) streams.push(decodeStream(reader, endOf(reader)));
    else skip(reader, field, 1);
  }
  return streams;
}

function decodeStream(reader: Reader, end: number): PushedStream {
  let labels = '';
  const entries: Entry[] = [];
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === FIRST) labels = text(reader);
    else if (field === SECOND) entries.push(decodeEntry(reader, endOf(reader)));
    else skip(reader, field, 2);
  }
  finish(reader, end);
  return { labels, entries };
}

function decodeEntry(reader: Reader, end: number): Entry {
  let stamp = BigInt(ZERO_TIME_SECONDS) * NS_PER_SECOND;
  let line = '';
  let metadata: Label[] | undefined;
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === FIRST) stamp = decodeStamp(reader, endOf(reader));
    else if (field === SECOND) line = bytes(reader).toString('latin1');
    else if (field === THIRD) (metadata ??= []).push(decodeLabel(reader, endOf(reader)));
    else if (field === FOURTH) decodeLabel(reader, endOf(reader));
    else skip(reader, field, 4);
  }
  finish(reader, end);
  return { stamp, line, metadata: metadata ?? NO_METADATA };
}

/** Stamps outside of the years 1 to 9999 are refused (gogo/protobuf types, validateTimestamp). */
function decodeStamp(reader: Reader, end: number): Nanoseconds {
  let seconds = 0;
  let nanos = 0;
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === SECONDS) seconds = Number(reader.int64());
    else if (field === NANOS) nanos = reader.int32();
    else skip(reader, field, 2);
  }
  finish(reader, end);
  const valid = seconds >= ZERO_TIME_SECONDS && seconds < YEAR_10000_SECONDS && nanos >= 0 && nanos < 1e9;
  if (!valid) throw new Error(`timestamp: seconds:${seconds} nanos:${nanos} out of range`);
  return BigInt(seconds) * NS_PER_SECOND + BigInt(nanos);
}

function decodeLabel(reader: Reader, end: number): Label {
  let name = '';
  let value = '';
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === FIRST) name = text(reader);
    else if (field === SECOND) value = text(reader);
    else skip(reader, field, 2);
  }
  finish(reader, end);
  return { name, value };
}

/** What a push holds, for those who only count: by stream, without looking into the lines. */
export interface CountedStream {
  readonly labels: string;
  readonly entries: number;
  /** Of the lines. */
  readonly bytes: number;
}

/**
 * Counts entries and the bytes of their lines, without making anything of them.
 *
 * @throws Error when the bytes are no push request
 */
export function countPush(body: Buffer): CountedStream[] {
  const streams: CountedStream[] = [];
  const reader = Reader.create(body);
  while (reader.pos < reader.len) {
    const field = reader.uint32();
    if (field === FIRST) streams.push(countStream(reader, endOf(reader)));
    else skip(reader, field, 1);
  }
  return streams;
}

function countStream(reader: Reader, end: number): CountedStream {
  let labels = '';
  let entries = 0;
  let size = 0;
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === SECOND) {
      entries++;
      size += lineBytes(reader, endOf(reader));
    } else if (field === FIRST) labels = text(reader);
    else skip(reader, field, 2);
  }
  finish(reader, end);
  return { labels, entries, bytes: size };
}

function lineBytes(reader: Reader, end: number): number {
  let size = 0;
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field === SECOND) {
      size = reader.uint32();
      reader.skip(size);
    } else reader.skipType(field & 7);
  }
  finish(reader, end);
  return size;
}

function bytes(reader: Reader): Buffer {
  return reader.bytes() as Buffer;
}

function text(reader: Reader): string {
  return bytes(reader).toString('utf8');
}

/** Where the message that begins here ends. */
function endOf(reader: Reader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new Error('unexpected EOF');
  return end;
}

/** A field must not reach over the end of the message that it is in. */
function finish(reader: Reader, end: number): void {
  if (reader.pos !== end) throw new Error('unexpected EOF');
}

/** Skips a field that is not known; `known` is the highest number whose wire type is fixed. */
function skip(reader: Reader, field: number, known: number): void {
  const number = field >>> 3;
  const wireType = field & 7;
  if (number === 0) throw new Error(`proto: illegal tag ${number} (wire type ${wireType})`);
  const isHash = number === 3 && known === 2 && wireType === VARINT;
  if (number <= known && !isHash) throw new Error(`proto: wrong wireType = ${wireType} for field ${number}`);
  reader.skipType(wireType);
}

/** Bytes of a varint. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

const field = (length: number): number => 1 + varintSize(length) + length;

/** Bytes of an entry as the distributor sends it on to the ingester. */
export function encodedEntrySize({ stamp, line, metadata }: Entry): number {
  const seconds = Number(stamp / NS_PER_SECOND);
  const nanos = Number(stamp % NS_PER_SECOND);
  let size = field((seconds > 0 ? 1 + varintSize(seconds) : 0) + (nanos > 0 ? 1 + varintSize(nanos) : 0));
  if (line.length > 0) size += field(line.length);
  for (const { name, value } of metadata) {
    size += field(field(Buffer.byteLength(name)) + field(Buffer.byteLength(value)));
  }
  return size;
}

/** A stream's hash is spread over all 64 bits: nine bytes as a varint, and its tag. */
const HASH_SIZE = 10;

/** Bytes of a stream in that message, from the sum over its entries with the frame of each. */
export function encodedStreamSize(labels: string, entries: readonly Entry[]): number {
  let size = field(Buffer.byteLength(labels)) + HASH_SIZE;
  for (const entry of entries) size += field(encodedEntrySize(entry));
  return field(size);
}
