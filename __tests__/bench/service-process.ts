import { startCollector, type CollectorOptions } from './collector-process.js';
import type { Ended, MeasuredProcess } from './measured-process.js';
import { metricSum } from '../support/metric-sum.js';
import { until } from './until.js';

/** `/status`, as far as it is looked at here. */
export interface StatusPage {
  readonly engine_sockets: number;
  readonly active_polls: number;
  readonly resources: { readonly live: number; readonly event_loop_lag_seconds: number } | null;
  readonly health: { readonly state: string };
  readonly containers: readonly {
    readonly id: string;
    readonly life: string;
    readonly polled_seconds_ago: number | null;
    readonly interval_seconds: number;
  }[];
}

/** The service in a process of its own, and what it says of itself. */
export class ServiceProcess {
  readonly process: MeasuredProcess;
  readonly #url: string;

  private constructor(process: MeasuredProcess, url: string) {
    this.process = process;
    this.#url = url;
  }

  /** Returns once it collects. */
  static async start(options: Omit<CollectorOptions, 'command'>): Promise<ServiceProcess> {
    const process = startCollector({ ...options, command: 'run' });
    const url = () => /"status":"(http:[^"]+)"/.exec(process.lastWords)?.[1];
    await until('the service collects', () => url() !== undefined, process);
    return new ServiceProcess(process, url()!);
  }

  get pid(): number {
    return this.process.pid;
  }

  async status(): Promise<StatusPage> {
    return (await (await fetch(`${this.#url}/status`)).json()) as StatusPage;
  }

  /** The sums of these metrics over all their labels, as of one instant. */
  async metrics<Name extends string>(...names: readonly Name[]): Promise<Record<Name, number>> {
    const page = await (await fetch(`${this.#url}/metrics`)).text();
    const sums = names.map((name) => [name, metricSum(page, name)]);
    return Object.fromEntries(sums) as Record<Name, number>;
  }

  /** How often each warning or error was logged, as far as it is kept, with the container and the code. */
  complaints(): Map<string, number> {
    const complaints = new Map<string, number>();
    for (const line of this.process.lastWords.split('\n')) {
      if (!/"level":"(warn|error)"/.test(line)) continue;
      const { message, container, code } = JSON.parse(line) as Readonly<Record<string, string | undefined>>;
      const told = [message, container, code].filter((part) => part !== undefined).join('; ');
      complaints.set(told, (complaints.get(told) ?? 0) + 1);
    }
    return complaints;
  }

  async stop(): Promise<Ended> {
    return await this.process.stop();
  }

  /** Ends it, if it still runs. */
  async discard(): Promise<void> {
    if (this.process.running) await this.process.kill();
  }
}
