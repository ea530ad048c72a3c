import { join } from 'node:path';
import type { AuditOptions } from '../../audit/audit.js';
import type { Config } from '../../config/schema.js';
import { CursorCorrupt, CursorTooNew } from '../../cursors/cursor-errors.js';
import { cursorFile } from '../../cursors/file-names.js';
import { nodeFs } from '../../cursors/node-fs.js';
import { readCursor } from '../../cursors/read-cursors.js';
import { errnoOf } from '../../cursors/state-error.js';
import type { ContainerSummary } from '../../model/container.js';
import type { Cursor } from '../../model/cursor.js';
import { containerSelector } from '../../pipeline/selection.js';
import type { EngineParts } from './engine-parts.js';
import { selectionSettings } from './pipeline-settings.js';
import type { StreamParts } from './stream-parts.js';

/** Bytes of fingerprints that a comparison of the two sides holds at once. */
export const COMPARISON_MEMORY = 32 * 1024 * 1024;

/** What every comparison of the Engine's logs with Loki's needs, in `verify` and in `backfill`. */
export type ComparisonParts = Pick<
  AuditOptions,
  'engine' | 'logs' | 'tenant' | 'streamLabels' | 'idIsSent'
> & {
  readonly selects: (container: ContainerSummary) => boolean;
  readonly cursorOf: (containerId: string) => Promise<Cursor | undefined>;
};

/** Wires what reads the Engine's side as the service does: the same containers, labels, and rules for lines. */
export function comparisonParts(
  config: Config,
  engine: EngineParts,
  streamLabels: StreamParts['labels'],
): ComparisonParts {
  const cursors = join(config.collector.state_dir, 'cursors');
  return {
    engine: engine.engine,
    logs: {
      read: engine.readLogs,
      sinceSemantics: engine.sinceSemantics,
      passesOverFiles: engine.passesOverFiles,
      maxLineBytes: config.lines.max_bytes,
      sentAsText: config.loki.encoding === 'json',
      moveEqualStamps: config.lines.equal_stamps === 'shift',
    },
    ...(config.loki.tenant === undefined ? {} : { tenant: config.loki.tenant }),
    streamLabels,
    idIsSent: config.labels.structured_metadata,
    selects: containerSelector(selectionSettings(config)),
    cursorOf: async (id) => await cursorAt(cursors, id),
  };
}

/** How far the collector is, read beside it; one that cannot be used counts as none, as for the collector. */
async function cursorAt(dir: string, id: string): Promise<Cursor | undefined> {
  try {
    return await readCursor(nodeFs, join(dir, cursorFile(id)), id);
  } catch (error) {
    if (error instanceof CursorCorrupt || error instanceof CursorTooNew) return undefined;
    if (error instanceof Error && errnoOf(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}
