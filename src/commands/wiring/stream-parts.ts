import type { Config } from '../../config/schema.js';
import { EntryBatch, type BatchBounds } from '../../loki/batch.js';
import type { BufferPool } from '../../loki/buffer-pool.js';
import type { ContainerSummary, StreamName } from '../../model/container.js';
import type { LabelSet } from '../../model/labels.js';
import type { Logger } from '../../model/logger.js';
import { NS_PER_MS } from '../../model/nanoseconds.js';
import { containerMetadata, streamLabels } from '../../pipeline/stream-labels.js';
import { labelSettings } from './pipeline-settings.js';
import { StreamTargets } from './stream-targets.js';

/** What lines become on their way to Loki: the same in every command, so that a repetition is folded. */
export interface StreamParts {
  readonly targets: StreamTargets;
  readonly labels: (container: ContainerSummary, stream: StreamName) => LabelSet;
  readonly bounds: BatchBounds;
  readonly newBatch: (container: ContainerSummary, stream: StreamName) => EntryBatch;
}

export function streamParts(config: Config, pool: BufferPool, logger: Logger): StreamParts {
  const settings = labelSettings(config, (container, names, reason) =>
    logger.warn('a container has labels that have no place in Loki: they are left out', {
      container,
      labels: names,
      reason,
    }),
  );
  const labels = (container: ContainerSummary, stream: StreamName) =>
    streamLabels(container, stream, settings);
  const targets = new StreamTargets({
    labels,
    metadata: (container) => containerMetadata(container, settings),
  });
  const { max_request_bytes: maxBytes, max_span: maxSpanMs } = config.loki.limits;
  const bounds = {
    maxBytes,
    maxSpan: BigInt(maxSpanMs) * NS_PER_MS,
    sentAsText: config.loki.encoding === 'json',
  };
  return {
    targets,
    labels,
    bounds,
    newBatch: (container, stream) => new EntryBatch(targets.of(container, stream), bounds, pool),
  };
}
