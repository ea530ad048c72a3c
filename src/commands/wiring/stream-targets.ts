import { streamTarget, type StreamTarget } from '../../loki/stream-target.js';
import type { ContainerSummary, StreamName } from '../../model/container.js';
import type { LabelSet } from '../../model/labels.js';

export interface StreamTargetsOptions {
  readonly labels: (container: ContainerSummary, stream: StreamName) => LabelSet;
  readonly metadata: (container: ContainerSummary) => Readonly<Record<string, string>>;
}

interface Kept {
  readonly name: string;
  readonly image: string;
  readonly targets: Map<StreamName, StreamTarget>;
}

/** The streams in Loki of each container, made once and again after a rename. */
export class StreamTargets {
  readonly #options: StreamTargetsOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: StreamTargetsOptions) {
    this.#options = options;
  }

  of(container: ContainerSummary, stream: StreamName): StreamTarget {
    let kept = this.#kept.get(container.id);
    if (kept === undefined || kept.name !== container.name || kept.image !== container.image) {
      kept = { name: container.name, image: container.image, targets: new Map() };
      this.#kept.set(container.id, kept);
    }
    let target = kept.targets.get(stream);
    if (target === undefined) {
      target = streamTarget({
        labels: this.#options.labels(container, stream),
        structuredMetadata: this.#options.metadata(container),
        containerName: container.name,
        containerId: container.id,
      });
      kept.targets.set(stream, target);
    }
    return target;
  }

  forget(containerId: string): void {
    this.#kept.delete(containerId);
  }
}
