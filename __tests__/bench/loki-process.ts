import { join } from 'node:path';
import { MeasuredProcess, ROOT } from './measured-process.js';
import { until } from './until.js';

export interface LokiCounts {
  /** Entries received. */
  readonly received: number;
  readonly stored: number;
}

/** A simulated Loki in a process of its own, so that its work is not counted as the collector's. */
export class LokiProcess {
  readonly url: string;
  readonly #process: MeasuredProcess;

  private constructor(process: MeasuredProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  /** @param options for the simulator, such as `--count-only` */
  static async start(folder: string, ...options: readonly string[]): Promise<LokiProcess> {
    const program = join(ROOT, 'dist/src/simulators/loki/main.js');
    const process = new MeasuredProcess(program, options, { folder });
    await until('the simulated Loki is ready', () => process.said.includes('\n'), process);
    const { url } = JSON.parse(process.said) as { url: string };
    return new LokiProcess(process, url);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async counts(): Promise<LokiCounts> {
    return (await (await fetch(`${this.url}/_simulator/stats`)).json()) as LokiCounts;
  }

  /** Forgets all that was pushed. */
  async reset(): Promise<void> {
    await fetch(`${this.url}/_simulator/reset`, { method: 'POST' });
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
