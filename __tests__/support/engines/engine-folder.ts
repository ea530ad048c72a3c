import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SWEEP = fileURLToPath(new URL('sweep.sh', import.meta.url));
/** A socket's path has at most 107 characters (man 7 unix); the longest below a folder takes 60 of them. */
const LONGEST_BASE = 107 - 60;

/**
 * The folder of one test engine, and the watchman that removes it. All that the engine has stands in here: its
 * data, sockets and logs. The watchman is a shell script in a process of its own. It waits for the end of a
 * pipe from this process, so it cleans up after a crash, a kill -9 of the tests or a forgotten stop() too.
 */
export class EngineFolder {
  readonly path: string;
  readonly #watchman: ChildProcess;

  /** @param base where the folder is made; needs a short path and room for the containers' logs */
  constructor(base = tmpdir().length <= LONGEST_BASE ? tmpdir() : '/tmp') {
    if (base.length > LONGEST_BASE || !/^\/[\w./-]+$/.test(base)) {
      throw new Error(
        `a test engine needs a folder of at most ${LONGEST_BASE} plain characters, not ${base}`,
      );
    }
    this.path = mkdtempSync(join(base, 'pollard-engine-'));
    writeFileSync(join(this.path, 'owner'), `${process.pid}\n`);
    for (const folder of ['data', 'exec', 'containerd', 'home']) mkdirSync(join(this.path, folder));

    const log = openSync('/dev/null', 'w');
    this.#watchman = spawn('/bin/sh', [SWEEP, this.path], { detached: true, stdio: ['pipe', log, log] });
    closeSync(log);
    this.#watchman.unref();
    (this.#watchman.stdin as unknown as { unref(): void }).unref();
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Kills what is left of the engine, unmounts, deletes the folder; returns when that is done. */
  async remove(): Promise<void> {
    if (this.#watchman.exitCode !== null || this.#watchman.signalCode !== null) return;
    this.#watchman.ref();
    const exitCode = await new Promise<number | null>((resolve) => {
      this.#watchman.once('exit', resolve);
      this.#watchman.stdin?.end();
    });
    if (exitCode !== 0) throw new Error(`the folder ${this.path} of a test engine could not be removed`);
  }
}
