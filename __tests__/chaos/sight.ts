/** After an end of blindness the collector may still not see for so long, ms. */
const AFTERWARDS_MS = 2000;
/** A container that was there in so long a time of clear sight was seen, however short its stay, ms. */
const ENOUGH_MS = 2000;
/** A removal may still be judged for so long after it, ms: by the events, or at the end of a poll. */
const JUDGED_MS = 10_000;

/** How a container stands in a step, until its removal begins. */
export interface Standing {
  readonly running: boolean;
  /** Its cursor tells that more may come, or that it was read to its end; undefined: there is none. */
  readonly cursor: 'open' | 'complete' | undefined;
}

interface Stay {
  from: number;
  removedAt: number | undefined;
  seen: boolean;
  standing: Standing;
  excused: boolean;
}

/**
 * Whether a container that is gone could have been seen by a collector at all. What came and went while none ran, or
 * while the Engine told nothing, nobody can name.
 */
export class Sight {
  readonly #stays = new Map<string, Stay>();
  /** Those that may yet be seen. */
  readonly #unseen = new Set<Stay>();
  #blindUntil = 0;
  /** Since when the sight is clear; undefined: it is not. */
  #clearSince: number | undefined;
  /** A collector that was started since has not looked at the Engine yet: when the one before it ended. */
  #unwatchedSince: number | undefined;

  get isClear(): boolean {
    return this.#clearSince !== undefined;
  }

  /** @param clear whether a collector looks, and the Engine answers it, now */
  look(clear: boolean): void {
    const now = performance.now();
    if (!clear) this.#blindUntil = now + AFTERWARDS_MS;
    if (now < this.#blindUntil) this.#clearSince = undefined;
    else this.#clearSince ??= now;
    const since = this.#clearSince;
    if (since === undefined) return;
    for (const stay of this.#unseen) {
      const overlaps = stay.removedAt === undefined || stay.removedAt >= since;
      if (!overlaps) this.#unseen.delete(stay);
      else if (now - Math.max(since, stay.from) >= ENOUGH_MS) {
        stay.seen = true;
        this.#unseen.delete(stay);
      }
    }
  }

  /** Events were lost: nothing that came and went lately may have been seen. */
  blink(): void {
    this.look(false);
  }

  made(id: string): void {
    const standing = { running: true, cursor: undefined };
    const stay = { from: performance.now(), removedAt: undefined, seen: false, standing, excused: false };
    this.#stays.set(id, stay);
    this.#unseen.add(stay);
  }

  /** Takes note of how it stands. One that was read to its end, and is started again, is to be seen anew. */
  stands(id: string, standing: Standing): void {
    const stay = this.#stays.get(id);
    if (stay === undefined || stay.removedAt !== undefined) return;
    if (standing.running && !stay.standing.running && standing.cursor === 'complete') {
      stay.from = performance.now();
      stay.seen = false;
      this.#unseen.add(stay);
    }
    stay.standing = standing;
  }

  /** Its removal has begun: nothing of it can be read any more. */
  removed(id: string): void {
    const stay = this.#stays.get(id);
    if (stay !== undefined) stay.removedAt ??= performance.now();
  }

  removedAt(id: string): number | undefined {
    return this.#stays.get(id)?.removedAt;
  }

  /**
   * A collector is started that knows of containers by their cursors only. Of one that went before it has looked at the
   * Engine for the first time, and has none, it can say nothing.
   *
   * @param downSince when the one before it ended, monotonic ms
   */
  begins(downSince: number): void {
    // One that never saw anything leaves it as it was.
    this.#unwatchedSince ??= downSince;
  }

  /** The collector has looked at the Engine; or will not any more. @param cursors there are, by their containers' ids */
  hasLooked(cursors: ReadonlySet<string>): void {
    if (this.#unwatchedSince === undefined) return;
    const since = this.#unwatchedSince - JUDGED_MS;
    for (const [id, stay] of this.#stays) {
      if (stay.removedAt === undefined || cursors.has(id)) continue;
      if (stay.removedAt >= since) stay.excused = true;
    }
    this.#unwatchedSince = undefined;
  }

  /**
   * Whether nobody could see it well enough to name it when it went. Of whose cursor more was to come, the collector
   * and each one after it know, however short its stay and however little they see of the Engine.
   */
  isUnseen(id: string): boolean {
    const stay = this.#stays.get(id);
    if (stay?.removedAt === undefined || stay.standing.cursor === 'open') return false;
    return stay.excused || !stay.seen;
  }
}
