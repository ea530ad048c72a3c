import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** What a connection needs of those who keep it; see StatusConnections. */
export interface ConnectionKeeper {
  /** Monotonic ms. */
  now(): number;
  /** No connection is kept any more. */
  readonly isClosing: boolean;
  /** A whole request waits for its turn: admit() is to be called. */
  waits(connection: StatusConnection, urgent: boolean): void;
  /** It begins to speak HTTP over this stream. */
  begins(connection: StatusConnection, stream: Duplex): void;
  /** Its state has changed. */
  moved(connection: StatusConnection): void;
  /** The socket is gone. */
  closed(connection: StatusConnection): void;
}

/**
 * - `request`: waits for the rest of a request;
 * - `turn`: a whole request is here and waits for its turn;
 * - `answer`: the request is being answered, until the last byte of the answer is handed to the system;
 * - `closing`: nothing more is answered; what still comes is thrown away, so that the other side can read the end.
 */
export type ConnectionState = 'request' | 'turn' | 'answer' | 'closing';

/** How long a connection may be in a state, ms; Infinity: its turn comes in any case. */
const LONGEST: Readonly<Record<ConnectionState, number>> = {
  request: 5000,
  turn: Infinity,
  answer: 10_000,
  closing: 1000,
};

/** Bytes of the head of a request; the HTTP parser refuses one that is longer. */
export const MAX_HEAD_BYTES = 8192;
/** Thrown away while closing; who sends more is cut off. */
const MAX_IGNORED_BYTES = 256 * 1024;
/** After the first read that brought no whole request nothing is read for so long, then twice, three times... */
const PAUSE_MS = 100;
const PIECE_BYTES = 2048;
const HEAD_END = '\r\n\r\n';
/** What a supervisor asks decides over the life of the process. */
const URGENT = /^(?:GET|HEAD) \/(?:healthz|readyz)[? ]/;
const URGENT_BYTES = 32;
const NOTHING = Buffer.alloc(0);

/**
 * A connection of the status page, between its socket and the HTTP server of Node.js. That server parses all that comes
 * at once, and keeps an answer for each request in memory. Here it is given one request, and the next when the answer
 * to the last one was sent. Meanwhile nothing is read: what the client sends waits at its own side.
 */
export class StatusConnection {
  readonly #socket: Socket;
  readonly #keeper: ConnectionKeeper;
  #stream: Duplex | undefined;
  #state: ConnectionState = 'request';
  #deadline: number;
  /** The head of a request, as far as it has come. */
  #head: Buffer = NOTHING;
  #reads = 0;
  #readsAgainAt = Infinity;
  #ignored = 0;

  constructor(socket: Socket, keeper: ConnectionKeeper) {
    this.#socket = socket;
    this.#keeper = keeper;
    this.#deadline = keeper.now() + LONGEST.request;
    socket.on('readable', () => this.#readable());
    socket.on('end', () => this.#ended());
    socket.on('error', () => undefined);
    socket.once('close', () => this.#closed());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The turn of its request has come: the HTTP server gets it. */
  admit(): void {
    if (this.#state !== 'turn') return;
    this.#enter('answer');
    const head = this.#head;
    this.#head = NOTHING;
    this.#speak().push(head);
  }

  /** The answer was sent to its last byte. */
  answered(): void {
    if (this.#state !== 'answer' || this.#stream?.writableEnded !== false) return;
    this.#enter('request');
    this.#reads = 0;
    this.#read();
  }

  /** Reads on, or cuts the connection off, when it is time. */
  look(now: number): void {
    if (now >= this.#deadline) {
      this.destroy();
    } else if (now >= this.#readsAgainAt) {
      this.#readsAgainAt = Infinity;
      this.#read();
    }
  }

  /** At once, whatever is under way. */
  destroy(): void {
    this.#socket.destroy();
  }

  #readable(): void {
    if (this.#state === 'closing') this.#ignore();
    else if (this.#state === 'request' && this.#readsAgainAt === Infinity) this.#read();
  }

  /**
   * Takes a request out of what has come, and no more than that. While it has not come as a whole, the rest gathers for
   * a while: each drop of it would cost a wakeup.
   */
  #read(): void {
    const socket = this.#socket;
    for (;;) {
      // With nothing to take the call shows the end, and goes on reading.
      const piece = socket.read(Math.min(socket.readableLength, PIECE_BYTES) || undefined) as Buffer | null;
      if (piece === null) break;
      this.#head = Buffer.concat([this.#head, piece]);
      const end = this.#head.indexOf(HEAD_END);
      if (end >= 0) {
        const rest = this.#head.subarray(end + HEAD_END.length);
        this.#head = this.#head.subarray(0, end + HEAD_END.length);
        if (rest.length > 0) socket.unshift(rest);
      }
      // One that is too long goes on as well: the HTTP server says so.
      if (end >= 0 || this.#head.length > MAX_HEAD_BYTES) {
        this.#enter('turn');
        this.#keeper.waits(this, URGENT.test(this.#head.toString('latin1', 0, URGENT_BYTES)));
        return;
      }
    }
    if (this.#head.length === 0) return;
    this.#reads++;
    this.#readsAgainAt = this.#keeper.now() + this.#reads * PAUSE_MS;
  }

  #ignore(): void {
    for (
      let piece = this.#socket.read() as Buffer | null;
      piece;
      piece = this.#socket.read() as Buffer | null
    ) {
      this.#ignored += piece.length;
    }
    if (this.#ignored > MAX_IGNORED_BYTES) this.destroy();
  }

  #ended(): void {
    if (this.#state === 'turn' || this.#state === 'answer') return;
    if (this.#stream === undefined) this.#close();
    else this.#stream.push(null);
  }

  #speak(): Duplex {
    if (this.#stream !== undefined) return this.#stream;
    const socket = this.#socket;
    const stream = new Duplex({
      read: () => undefined,
      write: (piece: Buffer, _encoding, sent) => {
        socket.write(piece, sent);
      },
      writev: (pieces, sent) => {
        socket.cork();
        const last = pieces.length - 1;
        for (const [index, { chunk }] of pieces.entries()) {
          if (index === last) socket.write(chunk as Buffer, sent);
          else socket.write(chunk as Buffer);
        }
        socket.uncork();
      },
      final: (done) => {
        this.#close();
        done();
      },
      // After a request that is none: the HTTP server has said so.
      destroy: (_error, done) => {
        this.#close();
        done(null);
      },
    });
    stream.on('error', () => undefined);
    this.#stream = stream;
    this.#keeper.begins(this, stream);
    return stream;
  }

  /** Sends the rest and the end, and waits a little for that of the other side. */
  #close(): void {
    if (this.#state === 'closing') return;
    this.#enter('closing');
    this.#head = NOTHING;
    if (this.#keeper.isClosing) {
      this.#socket.destroySoon();
      return;
    }
    this.#socket.end();
    this.#ignore();
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#deadline = this.#keeper.now() + LONGEST[state];
    this.#readsAgainAt = Infinity;
    this.#keeper.moved(this);
  }

  #closed(): void {
    this.#state = 'closing';
    this.#head = NOTHING;
    this.#stream?.destroy();
    this.#keeper.closed(this);
  }
}
