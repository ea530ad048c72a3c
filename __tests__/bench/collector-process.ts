import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeasuredProcess, ROOT, type MeasuredOptions } from './measured-process.js';

/** Settings by their section, as in the YAML file. */
export type Settings = Readonly<Record<string, unknown>>;

export interface CollectorOptions extends MeasuredOptions {
  readonly command: 'run' | 'catch-up' | 'backfill';
  /** Further arguments of the command. */
  readonly args?: readonly string[];
  readonly socketPath: string;
  readonly lokiUrl: string;
  readonly settings?: Settings;
}

/** Starts the collector as an operator does, with a configuration file and a state directory in its folder. */
export function startCollector(options: CollectorOptions): MeasuredProcess {
  const { command, args: more = [], folder, socketPath, lokiUrl, settings = {} } = options;
  const section = (name: string) => settings[name] ?? {};
  const config = {
    status: { enabled: command === 'run', listen: '127.0.0.1:0' },
    ...settings,
    collector: { state_dir: join(folder, 'state'), ...section('collector') },
    docker: { host: `unix://${socketPath}`, ...section('docker') },
    loki: { url: lokiUrl, ...section('loki') },
    log: { format: 'json', ...section('log') },
  };
  const file = join(folder, 'pollard.yaml');
  // What is JSON is YAML.
  writeFileSync(file, JSON.stringify(config, null, 2));
  const args = [command, '--config', file, ...(command === 'run' ? [] : ['--json']), ...more];
  const program = join(ROOT, 'dist/bin/pollard.js');
  const nodeFlags = [...ownFlags(program), ...(options.nodeFlags ?? [])];
  return new MeasuredProcess(program, args, { ...options, nodeFlags });
}

/** The options of Node.js in a program's first line: those of the systemd unit are the same, as a test holds. */
function ownFlags(program: string): string[] {
  return /^#!\S+ -S node (.+)/.exec(readFileSync(program, 'utf8'))?.[1]?.split(' ') ?? [];
}
