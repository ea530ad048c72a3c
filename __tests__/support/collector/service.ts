import type { ContainerStatus } from '../../../src/commands/wiring/status-parts.js';
import { metricSum } from '../metric-sum.js';
import { until } from '../until.js';
import { Program } from './program.js';

/** What `/status` says, as far as the tests ask for it. */
export interface ServiceStatus {
  readonly engine_sockets: number;
  readonly active_polls: number;
  readonly memory_in_flight: number;
  readonly containers: readonly ContainerStatus[];
  readonly health: { readonly state: string; readonly reason?: string };
}

/** `pollard run`. */
export class Service extends Program {
  #url = '';

  /** Of its status page, once it is known. */
  get url(): string {
    return this.#url;
  }

  /** Returns once its status page can be asked. */
  async listening(): Promise<this> {
    const { status } = await this.logged('collecting');
    this.#url = status as string;
    return this;
  }

  /** Returns once it collects and the Engine was asked for its containers. Loki may be away. */
  async ready(): Promise<this> {
    await this.listening();
    const isReady = async (): Promise<boolean> => {
      const { ready, reason } = (await (await fetch(`${this.#url}/readyz`)).json()) as {
        readonly ready: boolean;
        readonly reason: string;
      };
      return ready || reason.startsWith('Loki has not answered yet');
    };
    await until('the service is ready', isReady, {
      hopeless: () => (this.running ? undefined : this.lastWords()),
      instead: () => this.lastWords(),
    });
    return this;
  }

  async status(): Promise<ServiceStatus> {
    return (await (await fetch(`${this.#url}/status`)).json()) as ServiceStatus;
  }

  /** The state of the whole, and why. */
  async health(): Promise<{ readonly status: number; readonly body: string }> {
    const answer = await fetch(`${this.#url}/healthz`);
    return { status: answer.status, body: await answer.text() };
  }

  /** The sum of a metric over all its labels; 0 when it is not there. */
  async metric(name: string): Promise<number> {
    return metricSum(await (await fetch(`${this.#url}/metrics`)).text(), name);
  }

  /** Waits until each container that is collected was polled since now. */
  async readsAll(): Promise<void> {
    const since = performance.now();
    await until('each container is polled again', async () => {
      const { containers } = await this.status();
      const seconds = (performance.now() - since) / 1000;
      return containers.every(
        ({ life, polled_seconds_ago: ago }) => life !== 'active' || (ago !== null && ago < seconds),
      );
    });
  }
}
