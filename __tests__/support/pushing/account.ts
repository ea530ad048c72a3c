import { readRejectedFile } from '../../../src/loki/rejected.js';
import type { RejectedLine } from '../../../src/loki/rejected-record.js';
import type { PushingWorld } from './world.js';

/** What became of every line that was handed over. The lines of a test differ from one another. */
export interface PushAccount {
  /** Texts that Loki shows, sorted. */
  readonly stored: readonly string[];
  /** Texts in the rejected-lines file, sorted. */
  readonly rejected: readonly string[];
  /** Neither stored nor rejected. */
  readonly lost: readonly string[];
  /** Shown twice by Loki, or twice in the file, or in both. */
  readonly twice: readonly string[];
  /** Stored or rejected, but with another text, stamp or stream than any line that was handed over. */
  readonly unknown: readonly string[];
}

/** So many lines are named where they are not as they should be. */
const NAMED = 5;

/** Holds what was handed over against what Loki shows and what the rejected-lines file has. */
export async function accountOf(world: PushingWorld): Promise<PushAccount> {
  const entries = world.loki.entries().map(({ labels, stamp, line, tenant }) => ({
    key: keyOf(tenant, labels, stamp, line),
    text: line,
  }));
  const refused = (await rejectedLines(world)).map(({ labels, stamp, line, tenant }) => {
    const text = line.toString('utf8');
    return { key: keyOf(tenant ?? NO_TENANT, labels, stamp, text), text };
  });
  const times = new Map<string, number>();
  for (const { key } of [...entries, ...refused]) times.set(key, (times.get(key) ?? 0) + 1);
  const sent = new Map(
    world.sent.map(({ target, line: { stamp, line } }) => {
      const text = line.toString('utf8');
      return [keyOf(target.tenant ?? NO_TENANT, target.labels, stamp, text), text];
    }),
  );
  const shown = (keys: readonly string[]): string[] =>
    [...keys]
      .sort()
      .map((key, i) => (i < NAMED ? key.slice(0, 120) : '...'))
      .slice(0, NAMED + 1);
  return {
    stored: entries.map(({ text }) => text).sort(),
    rejected: refused.map(({ text }) => text).sort(),
    lost: shown([...sent.keys()].filter((key) => !times.has(key))),
    twice: shown([...times].filter(([, count]) => count > 1).map(([key]) => key)),
    unknown: shown([...times.keys()].filter((key) => !sent.has(key))),
  };
}

/** The lines of the rejected-lines file. */
export async function rejectedLines(world: PushingWorld): Promise<RejectedLine[]> {
  const lines: RejectedLine[] = [];
  const file = readRejectedFile(world.rejectedPath);
  for await (const line of file) lines.push(line);
  if (file.unreadable > 0) throw new Error(`${file.unreadable} records cannot be read`);
  return lines;
}

/** Labels that Loki adds: where none says it, and where it divides a stream. */
const LOKIS_OWN: ReadonlySet<string> = new Set(['service_name', '__stream_shard__']);

/** Of a Loki without tenants. */
const NO_TENANT = 'fake';

function keyOf(
  tenant: string,
  labels: Readonly<Record<string, string>>,
  stamp: bigint,
  text: string,
): string {
  const own = Object.entries(labels).filter(([name]) => !LOKIS_OWN.has(name));
  const pairs = own.sort(([a], [b]) => (a < b ? -1 : 1));
  return `${tenant} ${JSON.stringify(pairs)} ${stamp} ${text}`;
}
