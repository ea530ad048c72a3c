import type { Engine } from '../../support/engines/engine.js';
import type { LokiProcess } from '../loki-process.js';
import type { LongLog } from '../long-log.js';
import type { ScratchFolder } from '../scratch-folder.js';

/** What all measurements share. */
export interface BenchContext {
  readonly runs: number;
  readonly scratch: ScratchFolder;
  readonly say: (text: string) => void;
  /** A real Engine, the newest there is, with the image of the test containers. */
  readonly engine: () => Promise<Engine>;
  /** A Loki that only counts. Emptied before it is handed out. */
  readonly loki: () => Promise<LokiProcess>;
  /** A Loki that stores what it receives, and accepts it at any rate. Emptied before it is handed out. */
  readonly storingLoki: () => Promise<LokiProcess>;
  /** Lines of the log that a backfill sends. */
  readonly backfillLines: number;
  /** Containers of the Engine with a log of so many lines, written once for all measurements. */
  readonly longLog: (lines: number) => Promise<LongLog>;
}

export const MIB = 1024 * 1024;

/** 272 MB on disk as Engine 28 writes it. */
export const BIG_LOG = 1_500_000;
/** A tenth of it. */
export const SMALL_LOG = 150_000;
/** 1 MB on disk. */
export const TINY_LOG = 5_500;
