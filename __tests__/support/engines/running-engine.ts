import { EngineApi } from './api.js';
import type { EngineVersion } from './versions.js';

/** What identifies a real Engine to a test process. */
export interface EngineIdentity {
  readonly suite: EngineVersion;
  readonly socketPath: string;
  /** The daemon's `--data-root`. */
  readonly dataRoot: string;
  /** As the Engine reports it, such as `28.5.2+dfsg4`. */
  readonly version: string;
  /** The newest API version that it supports (`Api-Version` of `/_ping`). */
  readonly apiVersion: string;
  readonly minApiVersion: string;
}

/** A real Engine that runs, for tests that use it but do not stop it. */
export class RunningEngine implements EngineIdentity {
  readonly suite: EngineVersion;
  readonly socketPath: string;
  readonly dataRoot: string;
  readonly api: EngineApi;
  #version: Pick<EngineIdentity, 'version' | 'apiVersion' | 'minApiVersion'>;

  constructor({ suite, socketPath, dataRoot, ...version }: EngineIdentity) {
    this.suite = suite;
    this.socketPath = socketPath;
    this.dataRoot = dataRoot;
    this.api = new EngineApi(socketPath);
    this.#version = version;
  }

  get version(): string {
    return this.#version.version;
  }

  get apiVersion(): string {
    return this.#version.apiVersion;
  }

  get minApiVersion(): string {
    return this.#version.minApiVersion;
  }

  /** The number before the first dot: 20, 26, 28. */
  get major(): number {
    return Number.parseInt(this.version, 10);
  }

  /** Reports whether the Engine has this version or a newer one. */
  atLeast(major: number, minor = 0): boolean {
    const [ownMajor = 0, ownMinor = 0] = this.version.split('.').map((part) => Number.parseInt(part, 10));
    return ownMajor > major || (ownMajor === major && ownMinor >= minor);
  }

  get identity(): EngineIdentity {
    const { suite, socketPath, dataRoot, version, apiVersion, minApiVersion } = this;
    return { suite, socketPath, dataRoot, version, apiVersion, minApiVersion };
  }

  /** Removes all containers, running or not, with their logs. */
  async removeContainers(): Promise<void> {
    const all = (await this.api.json('GET', '/containers/json?all=1')) as { Id: string }[];
    await Promise.all(all.map(({ Id }) => this.api.send('DELETE', `/containers/${Id}?force=1&v=1`)));
  }

  /** Sets what a daemon that has just started reports. */
  protected setVersion(version: Readonly<Record<string, string>>): void {
    this.#version = {
      version: version['Version'] ?? '',
      apiVersion: version['ApiVersion'] ?? '',
      minApiVersion: version['MinAPIVersion'] ?? '',
    };
  }
}
