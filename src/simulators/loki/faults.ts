import type { Random } from '../../model/clock.js';

/**
 * What goes wrong with requests.
 *
 * - `refuse`: the connection is reset as soon as the head of the request is there.
 * - `reset`: the connection is reset after the body was read; nothing is stored.
 * - `hang`: nothing is read and nothing answered.
 * - `reset-after-accept`, `hang-after-accept`: stored, but the client never learns of it.
 * - a status: answered instead of Loki, by what stands before it; with `afterAccept` although it was stored.
 * - `delayMs`: the right answer, but late.
 */
export type Outage =
  | 'refuse'
  | 'reset'
  | 'hang'
  | 'reset-after-accept'
  | 'hang-after-accept'
  | StatusOutage
  | { readonly delayMs: number };

export interface StatusOutage {
  readonly status: number;
  /** Default: the page of an nginx for that status, HTML. */
  readonly body?: string;
  readonly contentType?: string;
  /** Seconds or an HTTP date, as the header has it. */
  readonly retryAfter?: string;
  readonly afterAccept?: boolean;
}

/** What an endpoint is for: pushing, reading, or asking for its state (`/ready`, `/config`, buildinfo). */
export type EndpointKind = 'push' | 'read' | 'state';

/** How far an outage goes; by default: all endpoints, until it is lifted, each request. */
export interface OutageExtent {
  /** Only so many requests. */
  readonly forRequests?: number;
  /** The chance of each request, 0 to 1. */
  readonly probability?: number;
  readonly endpoint?: EndpointKind;
  /** Only requests of this tenant. */
  readonly tenant?: string;
}

interface Laid {
  readonly outage: Outage;
  readonly extent: OutageExtent;
  left: number;
}

/** The outages laid on a simulator; the one laid first strikes. */
export class OutageBoard {
  readonly #random: Random;
  readonly #laid = new Set<Laid>();
  #struck = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How often one struck. */
  get struck(): number {
    return this.#struck;
  }

  /** Returns how to lift it. */
  lay(outage: Outage, extent: OutageExtent): () => void {
    const laid = { outage, extent, left: extent.forRequests ?? Infinity };
    this.#laid.add(laid);
    return () => {
      this.#laid.delete(laid);
    };
  }

  clear(): void {
    this.#laid.clear();
  }

  take(endpoint: EndpointKind, tenant: string | undefined): Outage | undefined {
    for (const laid of this.#laid) {
      const { extent } = laid;
      if (extent.endpoint !== undefined && extent.endpoint !== endpoint) continue;
      if (extent.tenant !== undefined && extent.tenant !== tenant) continue;
      if (extent.probability !== undefined && this.#random() >= extent.probability) continue;
      if (--laid.left <= 0) this.#laid.delete(laid);
      this.#struck++;
      return laid.outage;
    }
    return undefined;
  }
}
