import type { ContainerRef, ContainerSummary } from '../../src/model/container.js';
import { idOf } from './any-cursor.js';

/** A running container as the list shows it. */
export function summaryOf(over: Partial<ContainerSummary> = {}): ContainerSummary {
  return {
    id: idOf(1),
    name: 'web',
    image: 'shop:1',
    labels: {},
    state: 'running',
    created: 1_700_000_000_000_000_000n,
    ...over,
  };
}

/** The same container, inspected. */
export function refOf(over: Partial<ContainerRef> = {}): ContainerRef {
  return {
    ...summaryOf(),
    tty: false,
    logDriver: 'json-file',
    startedAt: 1_700_000_000_000_000_000n,
    finishedAt: 0n,
    running: true,
    ...over,
  };
}
