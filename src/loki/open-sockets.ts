import { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/**
 * The sockets of a dispatcher, from the beginning of each connection on. destroy() of undici leaves those that still
 * connect, or that are in the middle of a TLS handshake, to their timeout: here they can be ended.
 */
export class OpenSockets {
  readonly #open = new Set<Socket>();
  #ended = false;

  /** A connector that does what the given one does, and whose sockets are known here. */
  tracked(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      if (this.#ended) {
        callback(new Error('the connections to Loki were closed'), null);
        return;
      }
      // buildConnector of undici returns the socket at once, which its types do not say.
      const socket = connect(options, callback) as unknown;
      if (socket instanceof Socket) this.#track(socket);
    };
  }

  /** Destroys all of them, and lets no other come about. */
  destroy(): void {
    this.#ended = true;
    for (const socket of this.#open) socket.destroy(new Error('the connections to Loki were closed'));
  }

  #track(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }
}
