import type { Command } from 'commander';
import type { LoadedConfig } from '../config/load.js';
import { oldNameText } from '../config/renamed.js';
import type { Config } from '../config/schema.js';
import { ExitCode } from '../model/exit-codes.js';
import type { Output } from './output.js';
import { loadedConfigOf } from './setting-options.js';
import { knownSecrets } from './wiring/known-secrets.js';

/** What the commands of one command line share: where they write, what they were given, how it ended. */
export class Session {
  readonly output: Output;
  readonly env: NodeJS.ProcessEnv;
  #code: number = ExitCode.ok;
  #secrets: readonly string[] = [];

  constructor(output: Output, env: NodeJS.ProcessEnv) {
    this.output = output;
    this.env = env;
  }

  /** How the command ended. */
  get code(): number {
    return this.#code;
  }

  /** What must not be printed; nothing is known before the configuration is loaded. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  end(code: number): void {
    this.#code = code;
  }

  /**
   * The configuration as a command was given it, and where it came from.
   *
   * @throws ConfigError with all problems at once
   */
  async load(command: Command): Promise<LoadedConfig> {
    const loaded = await loadedConfigOf(command, this.env);
    this.#secrets = knownSecrets(loaded.config);
    for (const use of loaded.oldNames) this.output.err.write(`pollard: ${oldNameText(use)}\n`);
    return loaded;
  }

  /**
   * The configuration alone.
   *
   * @throws ConfigError
   */
  async config(command: Command): Promise<Config> {
    return (await this.load(command)).config;
  }
}
