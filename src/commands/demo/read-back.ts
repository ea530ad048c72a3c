import type { LokiFacts } from '../../audit/loki-facts.js';
import { LokiQueries } from '../../loki/read/loki-query.js';
import { LokiReader } from '../../loki/read/loki-reader.js';
import type { StampRange } from '../../loki/read/stamp-range.js';
import { streamName, STREAMS } from '../../audit/subject.js';
import { formatLabels } from '../../loki/labels.js';
import type { LokiTransport } from '../../loki/transport.js';
import type { Clock, Random } from '../../model/clock.js';
import type { LabelSet } from '../../model/labels.js';
import type { AccountLine } from './account.js';
import { PieceJoiner } from './piece-joiner.js';

export interface ReadBackOptions {
  readonly transport: LokiTransport;
  readonly facts: LokiFacts;
  readonly clock: Clock;
  readonly random: Random;
  /** By which the demo's streams are told from all others. */
  readonly labels: LabelSet;
  readonly range: StampRange;
}

/**
 * Reads all that Loki has of the demo, page by page, over its public API. Pieces of a line come as the line.
 *
 * @returns how many stamps have more lines than Loki gives at once: of those some may not have been seen
 * @throws LokiRequestError, PollardError `loki_query_failed`; the signal's reason when it aborts
 */
export async function readBack(
  options: ReadBackOptions,
  visit: (line: AccountLine) => void,
  signal: AbortSignal,
): Promise<number> {
  const { transport, facts, clock, random, labels, range } = options;
  const reader = new LokiReader({
    queries: new LokiQueries({ transport, clock, random }),
    ...(facts.maxQueryLength === undefined ? {} : { maxRange: facts.maxQueryLength }),
    ...(facts.maxEntries === undefined ? {} : { maxLimit: facts.maxEntries }),
  });
  let crowded = 0;
  const joiner = new PieceJoiner(visit);
  for (const stream of STREAMS) {
    const result = await reader.read(
      {
        selector: formatLabels({ ...labels, stream: streamName(stream) }),
        range,
        visit: ({ seconds, nanos, line, containerId = '', piece }) =>
          joiner.add({ containerId, stream, seconds, nanos, text: line }, piece),
      },
      signal,
    );
    crowded += result.crowded.length;
  }
  joiner.end();
  return crowded;
}
