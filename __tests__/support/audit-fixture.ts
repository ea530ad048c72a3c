import { audit, type AuditOptions } from '../../src/audit/audit.js';
import type { AuditReport, ContainerReport } from '../../src/audit/report.js';
import type { LogSource } from '../../src/collector/log-source.js';
import type { SinceSemantics } from '../../src/docker/api-version.js';
import type { LokiTransport } from '../../src/loki/transport.js';
import type { ContainerRef, ContainerSummary, StreamName } from '../../src/model/container.js';
import { NS_PER_SECOND } from '../../src/model/nanoseconds.js';
import { refOf } from './any-container.js';
import { never } from './engine-api.js';
import { ManualClock } from './manual-clock.js';

/** Not a whole second: equal lines of such a one are moved apart in any case. */
export const START = 1_700_000_000n * NS_PER_SECOND + 100_000_000n;

export function containerNamed(name: string, over: Partial<ContainerRef> = {}): ContainerRef {
  const id = Buffer.from(name.padEnd(32, '.')).toString('hex').slice(0, 64);
  return refOf({ id, name, image: 'image:1', ...over });
}

export const labelsOf = (container: ContainerSummary, stream: StreamName): Record<string, string> => ({
  container: container.name,
  host: 'h',
  job: 'docker',
  stream,
});

export interface Fixture {
  containers?: readonly ContainerRef[];
  read: LogSource;
  transport: LokiTransport;
  semantics?: SinceSemantics;
  maxLineBytes?: number;
  moveEqualStamps?: boolean;
  memoryBytes?: number;
  buckets?: number;
  samples?: number;
}

/** Runs an audit of containers that are told of here, with usual settings where nothing else is said. */
export async function auditOf(
  fixture: Fixture,
  over: Partial<AuditOptions> = {},
): Promise<AuditReport & { first: ContainerReport }> {
  const containers = fixture.containers ?? [containerNamed('web')];
  const report = await audit(
    {
      engine: {
        list: async () => [...containers],
        inspect: async (id) => containers.find((container) => container.id === id)!,
      },
      logs: {
        read: fixture.read,
        sinceSemantics: () => fixture.semantics ?? 'seek',
        maxLineBytes: fixture.maxLineBytes ?? 256 * 1024,
        moveEqualStamps: fixture.moveEqualStamps ?? false,
      },
      transport: fixture.transport,
      streamLabels: labelsOf,
      clock: new ManualClock(START + 1_000_000n * NS_PER_SECOND),
      random: () => 0,
      since: START,
      settings: {
        memoryBytes: fixture.memoryBytes ?? 1024 * 1024,
        buckets: fixture.buckets ?? 64,
        samples: fixture.samples ?? 10,
        concurrency: 1,
        settleMs: 60_000,
      },
      ...over,
    },
    never,
  );
  return { ...report, first: report.containers[0]! };
}
