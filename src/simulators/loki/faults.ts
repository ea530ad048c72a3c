import type { Random } from '../../model/clock.js';

/**
 * What goes wrong with requests.
 *
 * - `refuse`: the connection is reset as soon as the head of the request is there.
 * - `reset`: the connection is reset after the body was read; nothing is stored.
 * - `hang`: nothing is read and nothing answered.
 * - `reset-after-accept`, `hang-after-accept`: stored, but the client never learns of it.
 * - `freeze`: as a Loki that was stopped (SIGSTOP): requests wait in its sockets. When the outage is lifted, each that
 *   had arrived whole is carried out, in the order of arrival, also when its client is gone.
 * - a status: answered instead of Loki, by what stands before it; with `afterAccept` although it was stored.
 * - `delayMs`: the right answer, but late.
 */
export type Outage =
  | 'refuse'
  | 'reset'
  | 'hang'
  | 'reset-after-accept'
  | 'hang-after-accept'
  | 'freeze'
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

/** An outage that struck a request. */
export interface StruckOutage {
  readonly outage: Outage;
  /** Resolves when the outage is lifted, with whether the Loki is still there then. */
  readonly lifted: Promise<boolean>;
}

interface Laid {
  readonly struck: StruckOutage;
  readonly lift: (alive: boolean) => void;
  readonly extent: OutageExtent;
  left: number;
}

/** The outages laid on a simulator; the one laid first strikes. */
export class OutageBoard {
  readonly #random: Random;
  readonly #laid = new Set<Laid>();
  /** Of those that requests may wait for. */
  readonly #lifts = new Set<Laid['lift']>();
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
    let lift: Laid['lift'] = () => undefined;
    const lifted = new Promise<boolean>((resolve) => {
      lift = resolve;
    });
    const laid: Laid = { struck: { outage, lifted }, lift, extent, left: extent.forRequests ?? Infinity };
    this.#laid.add(laid);
    this.#lifts.add(laid.lift);
    return () => {
      this.#laid.delete(laid);
      this.#lifts.delete(laid.lift);
      laid.lift(true);
    };
  }

  clear(): void {
    this.#laid.clear();
    this.#liftAll(true);
  }

  /** The Loki ends: what waits in its sockets is gone, and another process is not frozen. Other outages stay. */
  dropWaiting(): void {
    for (const laid of this.#laid) if (laid.struck.outage === 'freeze') this.#laid.delete(laid);
    this.#liftAll(false);
  }

  #liftAll(alive: boolean): void {
    for (const lift of this.#lifts) lift(alive);
    this.#lifts.clear();
  }

  take(endpoint: EndpointKind, tenant: string | undefined): StruckOutage | undefined {
    for (const laid of this.#laid) {
      const { extent } = laid;
      if (extent.endpoint !== undefined && extent.endpoint !== endpoint) continue;
      if (extent.tenant !== undefined && extent.tenant !== tenant) continue;
      if (extent.probability !== undefined && this.#random() >= extent.probability) continue;
      if (--laid.left <= 0) this.#laid.delete(laid);
      this.#struck++;
      return laid.struck;
    }
    return undefined;
  }
}
