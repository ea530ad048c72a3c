import { open } from 'node:fs/promises';
import { LokiSettingError } from './loki-error.js';

/** More is no token, but a wrong path. */
const MAX_BYTES = 64 * 1024;

/** What is wrong with a secret, in words that do not show it; undefined: nothing. */
export type SecretCheck = (secret: string) => string | undefined;

/** A secret in a file that others may renew: read again when the file changes. */
export class SecretFile {
  readonly #path: string;
  readonly #check: SecretCheck;
  #secret: string;
  #version: string;

  private constructor(path: string, check: SecretCheck, found: Found) {
    this.#path = path;
    this.#check = check;
    this.#secret = found.secret;
    this.#version = found.version;
  }

  /** @throws LokiSettingError naming the setting, when the file cannot be read, is empty, or holds no secret */
  static async open(
    setting: string,
    path: string,
    check: SecretCheck = () => undefined,
  ): Promise<SecretFile> {
    try {
      const found = await read(path, check);
      if (found === undefined) throw new Error('is empty');
      return new SecretFile(path, check, found);
    } catch (error) {
      const problem = `${path}: ${(error as Error).message}`;
      throw new LokiSettingError(setting, problem, 'check the path, its permissions and its content', error);
    }
  }

  get current(): string {
    return this.#secret;
  }

  /**
   * Reads the file again if it looks changed, or in any case. True when the secret is another one now. A file
   * that cannot be read, because it is being replaced, leaves what is known.
   */
  async renew(inAnyCase: boolean): Promise<boolean> {
    try {
      const found = await read(this.#path, this.#check, inAnyCase ? undefined : this.#version);
      if (found === undefined) return false;
      const changed = found.secret !== this.#secret;
      this.#secret = found.secret;
      this.#version = found.version;
      return changed;
    } catch {
      return false;
    }
  }
}

interface Found {
  readonly secret: string;
  readonly version: string;
}

/** Undefined: it is still the known version. Throws when there is no secret to be had. */
async function read(path: string, check: SecretCheck, known?: string): Promise<Found | undefined> {
  const file = await open(path, 'r');
  try {
    const { size, mtimeNs, ino } = await file.stat({ bigint: true });
    const version = `${ino}/${size}/${mtimeNs}`;
    if (version === known) return undefined;
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    if (bytesRead > MAX_BYTES) throw new Error(`holds more than ${MAX_BYTES} bytes`);
    const secret = buffer.toString('utf8', 0, bytesRead).trim();
    if (secret === '') throw new Error('is empty');
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\x00-\x1f\x7f]/.test(secret)) throw new Error('holds more than one line');
    const problem = check(secret);
    if (problem !== undefined) throw new Error(problem);
    return { secret, version };
  } finally {
    await file.close();
  }
}
