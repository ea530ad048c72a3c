/** The endpoints that a fault can be laid on. */
export type Endpoint = 'ping' | 'version' | 'list' | 'inspect' | 'logs' | 'events';

/** What goes wrong with a body that has begun. Pieces are frames, or in a TTY chunks with their stamp. */
export type BodyFault =
  /** The connection breaks between two pieces, or inside one. */
  | { readonly kind: 'reset'; readonly afterPieces: number; readonly insidePiece?: boolean }
  /** The body ends inside a piece, as if all were well. */
  | { readonly kind: 'truncate'; readonly afterPieces: number }
  /**
   * The daemon's own error after so many pieces (stream type 3; plain text in a TTY); then the body ends well,
   * and the rest is lost with it. `swallows`: so many good pieces before the error are lost as well.
   */
  | {
      readonly kind: 'daemon_error';
      readonly afterPieces: number;
      readonly message: string;
      readonly swallows?: number;
    }
  /** Few bytes at a time. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** Cut anywhere, in writes of random size. */
  | { readonly kind: 'scatter'; readonly maxBytes: number }
  /** A frame whose header claims more bytes than anyone should keep, and junk without end. */
  | { readonly kind: 'huge_frame'; readonly afterPieces: number; readonly claims?: number }
  /** Chunks of one line, without end. */
  | { readonly kind: 'endless_line'; readonly afterPieces: number }
  /** The same over and over instead of what there is, and then the end. */
  | { readonly kind: 'repeat'; readonly piece: string; readonly times: number }
  /** So many pieces, then nothing more, and no end. */
  | { readonly kind: 'stall'; readonly afterPieces: number }
  /** All that there is, but the body is not ended. */
  | { readonly kind: 'never_ends' }
  /** The header, and nothing more. */
  | { readonly kind: 'hang_after_header' };

export type Fault =
  | BodyFault
  /** Nothing is answered at all. */
  | { readonly kind: 'hang_before_header' }
  /** The connection is closed instead of an answer. */
  | { readonly kind: 'refuse' }
  /** An error of the daemon, such as 404, 409, 500, 501. */
  | { readonly kind: 'status'; readonly status: number; readonly message?: string }
  /** The answer is right, but late. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The answer is made at once and sent when `release` resolves: by then it may be outdated. */
  | { readonly kind: 'hold'; readonly release: Promise<void> };

export interface FaultTarget {
  readonly endpoint: Endpoint;
  /** An id or a name; default: any. */
  readonly container?: string;
  /** How often; default: until it is lifted. */
  readonly times?: number;
  /** The chance of each request, 0 to 1; default 1. */
  readonly chance?: number;
}

interface Laid {
  readonly fault: Fault;
  readonly target: FaultTarget;
  left: number;
}

/** The faults laid on a simulator. */
export class FaultBoard {
  readonly #random: () => number;
  readonly #laid = new Set<Laid>();
  #struck = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** How often a fault struck. */
  get struck(): number {
    return this.#struck;
  }

  /** Lays a fault on requests to come. Returns how to lift it. */
  lay(target: FaultTarget, fault: Fault): () => void {
    const laid = { fault, target, left: target.times ?? Infinity };
    this.#laid.add(laid);
    return () => {
      this.#laid.delete(laid);
    };
  }

  clear(): void {
    this.#laid.clear();
  }

  /** The fault for a request; the one laid first wins. */
  take(endpoint: Endpoint, names: readonly string[]): Fault | undefined {
    for (const laid of this.#laid) {
      const { target } = laid;
      if (target.endpoint !== endpoint) continue;
      if (target.container !== undefined && !names.includes(target.container)) continue;
      if (target.chance !== undefined && this.#random() >= target.chance) continue;
      if (--laid.left <= 0) this.#laid.delete(laid);
      this.#struck++;
      return laid.fault;
    }
    return undefined;
  }
}
