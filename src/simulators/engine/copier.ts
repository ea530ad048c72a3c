import type { StreamName } from '../../model/container.js';
import type { Nanoseconds } from '../../model/nanoseconds.js';
import { CHUNK_BYTES, type LogEntry } from './entry.js';

const NEWLINE = 0x0a;

export interface CopierRules {
  /** journald stamps each chunk when it receives it; the file drivers keep the first chunk's stamp. */
  readonly chunksShareStamp: boolean;
}

/**
 * What the daemon makes of the bytes of one stream of one run of a process (moby: daemon/logger/copier.go,
 * copySrc). A line is stamped when its newline is found; one of 16384 bytes or more comes in chunks, each
 * logged when the buffer is full, all with the stamp of the first.
 */
export class StreamCopier {
  readonly #stream: StreamName;
  readonly #rules: CopierRules;
  readonly #log: (entry: LogEntry) => void;
  #held: Buffer = Buffer.alloc(0);
  /** The first chunk's stamp while a long line is open. */
  #openStamp: Nanoseconds | undefined;

  constructor(stream: StreamName, rules: CopierRules, log: (entry: LogEntry) => void) {
    this.#stream = stream;
    this.#rules = rules;
    this.#log = log;
  }

  /** Takes what the process wrote; `stampNs` is the daemon's clock while it reads. */
  write(bytes: Buffer, stampNs: Nanoseconds): void {
    const data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    let at = 0;
    for (;;) {
      // The buffer is searched for a newline when it is full, and not beyond: a newline in byte 16385 comes too
      // late, and gives an empty last chunk.
      const full = at + CHUNK_BYTES;
      const newline = data.indexOf(NEWLINE, at);
      if (newline >= 0 && newline < full) {
        this.#line(data.subarray(at, newline), stampNs);
        at = newline + 1;
      } else if (data.length >= full) {
        this.#chunk(data.subarray(at, full), stampNs);
        at = full;
      } else break;
    }
    this.#held = Buffer.from(data.subarray(at));
  }

  /** The process closed the stream: what is held is logged as it stands, without a newline. */
  end(stampNs: Nanoseconds): void {
    if (this.#held.length > 0) this.#chunk(this.#held, stampNs);
    this.#held = Buffer.alloc(0);
    this.#openStamp = undefined;
  }

  #line(text: Buffer, now: Nanoseconds): void {
    const partial = this.#openStamp !== undefined;
    const stampNs = this.#rules.chunksShareStamp ? (this.#openStamp ?? now) : now;
    this.#openStamp = undefined;
    this.#log({ stampNs, stream: this.#stream, text, terminated: true, partial });
  }

  #chunk(text: Buffer, now: Nanoseconds): void {
    this.#openStamp ??= now;
    const stampNs = this.#rules.chunksShareStamp ? this.#openStamp : now;
    this.#log({ stampNs, stream: this.#stream, text, terminated: false, partial: true });
  }
}
