import type { Clock } from '../model/clock.js';
import type { ResourceSample } from './resources.js';
import type { ResourceWatch, Verdict } from './resource-watch.js';

export interface ResourceMonitorOptions {
  readonly clock: Clock;
  readonly sample: () => Promise<ResourceSample>;
  readonly watch: ResourceWatch;
  /** ms between samples. */
  readonly interval: number;
  /** Told of each sample and what it was judged to be. */
  readonly onVerdict: (verdict: Verdict, sample: ResourceSample) => void;
}

/** Samples and judges at an interval until the signal aborts. */
export async function monitorResources(options: ResourceMonitorOptions, signal: AbortSignal): Promise<void> {
  const { clock, sample, watch, interval, onVerdict } = options;
  while (!signal.aborted) {
    const taken = await sample();
    onVerdict(watch.judge(taken), taken);
    await clock.sleep(interval, signal).catch(() => undefined);
  }
}
