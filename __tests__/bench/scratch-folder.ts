import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for the states of measured processes, removed with all in it. */
export class ScratchFolder {
  readonly path: string;
  #made = 0;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'pollard-bench-'));
  }

  /** A new, empty folder in it. */
  fresh(): string {
    const path = join(this.path, String(this.#made++));
    mkdirSync(path);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
