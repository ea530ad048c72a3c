import type { Socket } from 'node:net';

/**
 * Counts the real sockets towards the Engine by what happens to them, so that "open Engine sockets: 0" between
 * polls is a figure and not a belief.
 */
export class SocketLedger {
  #opened = 0;
  #closed = 0;
  #peak = 0;

  /** Sockets that were ever connected. */
  get opened(): number {
    return this.#opened;
  }

  /** Of those, the ones that are closed again. */
  get closed(): number {
    return this.#closed;
  }

  /** Connected now. */
  get open(): number {
    return this.#opened - this.#closed;
  }

  /** The most that were connected at once. */
  get peak(): number {
    return this.#peak;
  }

  /** Counts this socket from its `connect` (or at once) to its `close`. Call it before anything else happens to it. */
  track(socket: Socket): void {
    let counted = false;
    const count = (): void => {
      counted = true;
      this.#opened++;
      this.#peak = Math.max(this.#peak, this.open);
    };
    if (socket.connecting) socket.once('connect', count);
    else if (!socket.destroyed) count();
    socket.once('close', () => {
      if (counted) this.#closed++;
    });
  }
}
