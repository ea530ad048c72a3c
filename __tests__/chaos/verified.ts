import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markedSpan } from '../../src/collector/possible-gap.js';
import { parseStamp } from '../../src/model/nanoseconds.js';
import { readAudit, type Audited } from '../support/collector/audited.js';
import type { ContainerAccount } from '../support/collecting/index.js';
import type { ChaosWorld } from './world.js';

/** What `pollard verify` says of the containers that are still there. */
export interface Verified extends Audited {
  /**
   * Lines that it finds in Loki only and cannot explain, of logs that were never rotated or spoilt. Of others it can be
   * no more than unsure, where lines of another time stand among them.
   */
  readonly strange: number;
  /** Lines that are still to come, of logs that were never spoilt. */
  readonly left: number;
  /**
   * Missing lines that no mark names. Of the others an Engine that answered badly made believe that it could not read
   * them.
   */
  readonly unnamed: number;
  /** Why it ended before all containers were judged; undefined: it did not. */
  readonly failure: string | undefined;
}

/** A container in the report of `verify`. */
interface Judged {
  readonly container_id: string;
  readonly samples: { readonly missing: readonly { readonly timestamp: string }[] };
  readonly status: string;
  readonly streams: Readonly<
    Record<string, { readonly pending: number; readonly loki_only: { readonly unknown: number } }>
  >;
}

/** Runs `pollard verify` against what is there, and keeps its report. */
export async function verified(
  world: ChaosWorld,
  folder: string,
  accounts: ReadonlyMap<string, ContainerAccount>,
): Promise<Verified> {
  const { collector, engine } = world;
  // In this process others may be held to account meanwhile, and the Engine answers late.
  const command = collector.command(
    'verify',
    '--json',
    '--samples=10000',
    '--docker-timeout=1m',
    '--poll-deadline=2m',
    '--poll-idle-timeout=1m',
    '--loki-timeout=1m',
  );
  const { code } = await command.ended;
  const json = command.stdout;
  if (json === '') throw new Error(`verify printed no report: ${command.lastWords()}`);
  writeFileSync(join(folder, 'verify.json'), json);
  const { containers, failure } = JSON.parse(json) as {
    readonly containers: readonly Judged[];
    readonly failure: { readonly message: string } | null;
  };
  const readable = containers.filter(
    ({ status, container_id: id }) => status === 'read' && !world.wasSpoilt(id),
  );
  const whole = readable.filter(({ container_id: id }) => engine.find(id)?.log.firstSequence === 0);
  const sum = (of: readonly Judged[], figure: (stream: Judged['streams'][string]) => number): number =>
    of.flatMap(({ streams }) => Object.values(streams)).reduce((total, stream) => total + figure(stream), 0);
  const strange = sum(whole, ({ loki_only: { unknown } }) => unknown);
  const left = sum(readable, ({ pending }) => pending);
  const named = containers.flatMap(({ container_id: id, samples }) => {
    const spans = accounts.get(id)?.marks.map(markedSpan) ?? [];
    return samples.missing.filter(({ timestamp }) => {
      const at = parseStamp(timestamp) ?? 0n;
      return spans.some((span) => span && span.lastDelivered <= at && at <= span.firstAvailable);
    });
  });
  const audited = readAudit(code, json);
  const unnamed = audited.missing - named.length;
  return { ...audited, strange, left, unnamed, failure: failure?.message };
}
