import type { LokiQueries } from '../../loki/read/loki-query.js';
import { formatLabels } from '../../loki/labels.js';
import type { Clock } from '../../model/clock.js';
import type { LabelSet } from '../../model/labels.js';
import { NS_PER_SECOND } from '../../model/nanoseconds.js';
import { shortId } from './live-tally.js';

const EVERY_MS = 1000;
/** Of all containers together: the answer stays small. */
const LINES = 100;
const SHOWN_CHARACTERS = 400;
/** Only what is young is asked for, and the clock of the Engine may be ahead. */
const BACK = 120n * NS_PER_SECOND;
const AHEAD = 600n * NS_PER_SECOND;

/** The newest line of each container as Loki itself gives it back: what is shown has made the whole way. */
export class NewestLines {
  readonly #queries: LokiQueries;
  readonly #selector: string;
  readonly #clock: Clock;
  readonly #lines = new Map<string, string>();

  /** @param labels by which the demo's streams are told from all others */
  constructor(queries: LokiQueries, labels: LabelSet, clock: Clock) {
    this.#queries = queries;
    this.#selector = formatLabels(labels);
    this.#clock = clock;
  }

  /**
   * The beginning of the line; undefined while none was seen.
   *
   * @param containerId the whole id, or the beginning that the status page shows
   */
  of(containerId: string): string | undefined {
    return this.#lines.get(shortId(containerId));
  }

  /** Looks each second, until the signal aborts. A question that fails is none: there is the next. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(signal).catch(() => undefined);
      await this.#clock.sleep(EVERY_MS, signal).catch(() => undefined);
    }
  }

  async look(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const range = { from: now - BACK, until: now + AHEAD };
    const question = { selector: this.#selector, range, limit: LINES, direction: 'backward' as const };
    const answer = await this.#queries.page(question, signal);
    if (answer.kind !== 'page') return;
    const seen = new Set<string>();
    for (const { containerId, line } of answer.entries) {
      if (containerId === undefined || seen.has(containerId)) continue;
      seen.add(containerId);
      this.#lines.set(shortId(containerId), line.slice(0, SHOWN_CHARACTERS));
    }
  }
}
