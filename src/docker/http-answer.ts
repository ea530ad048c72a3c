import { HttpAnswerError, parseHead } from './http-head.js';

/** Takes one answer, as it comes. */
export interface HttpAnswerSink {
  /** The head is whole. `encoding` is the value of Content-Encoding, if there is one. */
  head(status: number, encoding?: string): void;
  /** More of the body: `source[start, end)`, to be used before it returns. */
  body(source: Buffer, start: number, end: number): void;
}

/** Bytes that a head may have, as many as Node.js allows (`--max-http-header-size`). */
const MAX_HEAD = 16 * 1024;
/** Bytes of a chunk's extensions, and of the trailer: Engines send neither. */
const MAX_EXTRA = 4096;
/** A chunk of more than 2^48 bytes is none. */
const MAX_SIZE = 2 ** 48;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const SPACE = 0x20;
const BEGIN = 'HTTP/1.';
const HEAD_END = '\r\n\r\n';

/** What is awaited: see the methods of the same names. */
type Part = 'head' | 'size' | 'extension' | 'chunk' | 'chunkEnd' | 'trailer' | 'counted' | 'open' | 'done';

/**
 * Reads one answer of HTTP/1.1 out of pieces cut anywhere (RFC 9112). For bodies of millions of small chunks, as
 * an Engine sends a log (a line a chunk): a piece is gone through in place, and nothing is made of a chunk but a
 * call. An HTTP client that makes a Buffer of each takes three times the work.
 */
export class HttpAnswerReader {
  readonly #sink: HttpAnswerSink;
  #part: Part = 'head';
  #head: Buffer = NOTHING;
  /** Of the chunk or the counted body: what has not come yet. */
  #left = 0;
  #digits = 0;
  /** Bytes of the extensions or the trailer so far. */
  #extra = 0;
  /** Of the trailer's line. */
  #lineLength = 0;

  constructor(sink: HttpAnswerSink) {
    this.#sink = sink;
  }

  /** The answer is whole; what follows is not looked at. */
  get done(): boolean {
    return this.#part === 'done';
  }

  /** Takes `source[start, end)`. @throws HttpAnswerError, and what the sink throws */
  push(source: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && this.#part !== 'done') at = this.#step(source, at, end);
  }

  /** The other side has ended the connection. Returns whether the answer is whole. */
  ended(): boolean {
    if (this.#part === 'open') this.#part = 'done';
    return this.done;
  }

  #step(source: Buffer, at: number, end: number): number {
    switch (this.#part) {
      case 'size':
        return this.#size(source, at, end);
      case 'chunk':
        return this.#take(source, at, end, 'chunkEnd');
      case 'chunkEnd':
        return this.#chunkEnd(source, at);
      case 'counted':
        return this.#take(source, at, end, 'done');
      case 'open':
        this.#sink.body(source, at, end);
        return end;
      case 'head':
        return this.#takeHead(source, at, end);
      case 'extension':
        return this.#extension(source, at, end);
      case 'trailer':
        return this.#trailer(source, at);
      case 'done':
        return end;
    }
  }

  #takeHead(source: Buffer, at: number, end: number): number {
    const held = this.#head.length;
    this.#head = Buffer.concat([this.#head, source.subarray(at, Math.min(end, at + MAX_HEAD + 1))]);
    const headEnd = this.#head.indexOf(HEAD_END, Math.max(0, held - HEAD_END.length), 'latin1');
    if (headEnd < 0) {
      // Told at once: whoever speaks another protocol may wait for us to go on.
      const begin = this.#head.toString('latin1', 0, BEGIN.length);
      if (!BEGIN.startsWith(begin))
        throw new HttpAnswerError(`no HTTP status line: ${JSON.stringify(begin)}`);
      if (this.#head.length > MAX_HEAD) throw new HttpAnswerError(`a head of over ${MAX_HEAD} bytes`);
      return end;
    }
    const { status, framing, encoding } = parseHead(
      this.#head.toString('latin1', 0, headEnd + HEAD_END.length),
    );
    this.#head = NOTHING;
    const next = at + headEnd + HEAD_END.length - held;
    // An interim answer (RFC 9110, 15.2): the real one follows.
    if (status < 200) return next;
    this.#sink.head(status, encoding);
    if (framing === 'chunked') this.#part = 'size';
    else if (framing === 'open') this.#part = 'open';
    else {
      this.#left = framing;
      this.#part = framing === 0 ? 'done' : 'counted';
    }
    return next;
  }

  #size(source: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = source[at] as number;
      const digit = hexDigit(byte);
      if (digit >= 0) {
        this.#left = this.#left * 16 + digit;
        this.#digits++;
        if (this.#left > MAX_SIZE) throw new HttpAnswerError('a chunk without end');
        continue;
      }
      if (this.#digits === 0) throw notA('chunk size', byte);
      this.#digits = 0;
      if (byte === LF) return this.#sized(at + 1);
      if (byte !== CR && byte !== SEMICOLON && byte !== SPACE) throw notA('chunk size', byte);
      this.#extra = 0;
      this.#part = 'extension';
      return at + 1;
    }
    return end;
  }

  #extension(source: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      if (source[at] === LF) return this.#sized(at + 1);
      if (++this.#extra > MAX_EXTRA) throw new HttpAnswerError('a chunk size with an extension without end');
    }
    return end;
  }

  /** The line with the size is over. */
  #sized(next: number): number {
    if (this.#left > 0) this.#part = 'chunk';
    else {
      this.#part = 'trailer';
      this.#extra = 0;
      this.#lineLength = 0;
    }
    return next;
  }

  #take(source: Buffer, at: number, end: number, then: Part): number {
    const next = Math.min(end, at + this.#left);
    this.#left -= next - at;
    if (this.#left === 0) this.#part = then;
    this.#sink.body(source, at, next);
    return next;
  }

  #chunkEnd(source: Buffer, at: number): number {
    const byte = source[at] as number;
    if (byte === LF) this.#part = 'size';
    else if (byte !== CR) throw notA('chunk’s end', byte);
    return at + 1;
  }

  /** Lines up to an empty one. */
  #trailer(source: Buffer, at: number): number {
    const byte = source[at] as number;
    if (++this.#extra > MAX_EXTRA) throw new HttpAnswerError('a trailer without end');
    if (byte === LF) {
      if (this.#lineLength === 0) this.#part = 'done';
      this.#lineLength = 0;
    } else if (byte !== CR) this.#lineLength++;
    return at + 1;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/** -1 for a byte that is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function notA(what: string, byte: number): HttpAnswerError {
  return new HttpAnswerError(`no ${what}: byte 0x${byte.toString(16).padStart(2, '0')}`);
}
