import { worse, type HealthState } from './health.js';
import { Hysteresis } from './hysteresis.js';
import {
  MEASUREMENTS,
  RESOURCE_RULES,
  type Measure,
  type ResourceRule,
  type ResourceWatchSettings,
} from './resource-rules.js';
import type { ResourceSample } from './resources.js';

/** What one rule says. */
export interface Finding {
  readonly rule: ResourceRule;
  readonly state: HealthState;
  /** Undefined while there is nothing to judge. Loki's success: the part that failed. */
  readonly figure: number | undefined;
  /** Figure and limit in words; empty when healthy. */
  readonly reason: string;
}

export interface Verdict {
  readonly state: HealthState;
  /** Of each rule that is not healthy, the worst first; empty when healthy. */
  readonly reason: string;
  readonly findings: readonly Finding[];
}

const MOST_SAMPLES = 3600;
/** A line needs more than its two ends. */
const FEWEST_SAMPLES = 6;

/**
 * Judges what the process holds, as the report that began this project did: does it grow, is it much, does Loki
 * take what is sent. Looks at the samples of a sliding window; takes its time from them.
 */
export class ResourceWatch {
  readonly #settings: ResourceWatchSettings;
  readonly #rules: Record<ResourceRule, { hysteresis: Hysteresis; last: Measure | undefined }>;
  #samples: ResourceSample[] = [];
  #startedAt: number | undefined;

  constructor(settings: ResourceWatchSettings) {
    this.#settings = settings;
    const rule = () => ({ hysteresis: new Hysteresis(settings), last: undefined });
    this.#rules = {
      live_growth: rule(),
      live_baseline: rule(),
      open_fds: rule(),
      memory_growth: rule(),
      loki_success: rule(),
    };
  }

  /** Takes the next sample and judges. */
  judge(sample: ResourceSample): Verdict {
    const { window, warmUp, minSpan } = this.#settings;
    this.#startedAt ??= sample.at;
    this.#samples.push(sample);
    const oldest = sample.at - window * 1000;
    const first = this.#samples.findIndex(({ at }) => at >= oldest);
    this.#samples = this.#samples.slice(Math.max(first, this.#samples.length - MOST_SAMPLES));

    const warm = this.#startedAt + warmUp * 1000;
    const settled = this.#samples.filter(({ at }) => at >= warm);
    const enough =
      settled.length >= FEWEST_SAMPLES && sample.at - (settled[0] as ResourceSample).at >= minSpan * 1000;

    return verdict(
      RESOURCE_RULES.map((name) => {
        const { samples, measure } = MEASUREMENTS[name];
        if (samples === 'all') return this.#apply(name, measure(this.#samples, this.#settings));
        return this.#apply(name, enough ? measure(settled, this.#settings) : undefined);
      }),
    );
  }

  #apply(name: ResourceRule, measure: Measure | undefined): Finding {
    const rule = this.#rules[name];
    const state = rule.hysteresis.judge(measure?.figure, measure?.limits ?? { degraded: 0, unhealthy: 0 });
    // While a state is held without a figure, the last one says why.
    rule.last = measure ?? rule.last;
    const reason = state === 'healthy' || !rule.last ? '' : rule.last.text(rule.last.limits[state]);
    return { rule: name, state, figure: measure?.figure, reason };
  }
}

function verdict(findings: readonly Finding[]): Verdict {
  const state = findings.map((finding) => finding.state).reduce(worse);
  const grave = findings.filter((finding) => finding.state === 'unhealthy');
  const light = findings.filter((finding) => finding.state === 'degraded');
  return { state, reason: [...grave, ...light].map(({ reason }) => reason).join('; '), findings };
}
