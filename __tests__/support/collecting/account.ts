import { Account, type AccountLine, type Tally } from '../../../src/commands/demo/account.js';
import { nanosOf, secondsOf } from '../../../src/audit/stamp-range.js';
import { isGapText } from '../../../src/collector/gap.js';
import { readRejectedFile } from '../../../src/loki/rejected.js';
import type { Nanoseconds } from '../../../src/model/nanoseconds.js';
import { CHUNK_BYTES, type WrittenLine } from '../../../src/simulators/engine/index.js';
import type { StoredEntry } from '../../../src/simulators/loki/index.js';
import type { CollectingWorld } from './world.js';

/** What became of the lines of one container. */
export interface ContainerAccount extends Tally {
  readonly name: string;
  /** It was removed before it was read to its end, and this was said: its lines may be missing. */
  readonly missed: boolean;
  /** What the marks of gaps say. */
  readonly marks: readonly string[];
}

/**
 * Holds every line that each container ever wrote against what is in Loki, in the rejected-lines file, and named
 * as lost: the account of `pollard demo`, kept container by container.
 *
 * @param madeUp lines that the simulated Engine makes up under a fault, and that no container wrote
 * @returns by the container's id
 */
export async function accountsOf(
  world: CollectingWorld,
  madeUp?: RegExp,
): Promise<Map<string, ContainerAccount>> {
  const entries = world.loki.entries().filter(({ line }) => madeUp?.test(line) !== true);
  const found = grouped(entries, ({ metadata }) => metadata['container_id'] ?? '');
  const refused = await refusals(world.rejectedFile);
  const present = new Set(world.engine.containers.map(({ id }) => id));
  const missed = new Set(world.missed.map(({ container }) => container.id).filter((id) => !present.has(id)));
  const accounts = new Map<string, ContainerAccount>();
  const written = grouped(world.engine.written(), ({ containerId }) => containerId);
  // Lines of nobody must not stay unseen.
  for (const id of new Set([...written.keys(), ...found.keys(), ...present])) {
    const lines = written.get(id) ?? [];
    const account = new Account(lines.length);
    const visit = (see: Parameters<Parameters<Account['close']>[0]>[0]): Promise<void> => {
      for (const line of lines) see({ ...ofEngine(line), due: !missed.has(id) });
      return Promise.resolve();
    };
    await visit((line) => account.wrote(line));
    const stored = found.get(id) ?? [];
    for (const entry of withWholeLines(lines, stored)) account.found(ofLoki(id, entry));
    for (const { line, reason } of refused.get(id) ?? []) account.refused(line, reason);
    accounts.set(id, {
      ...(await account.close(visit)),
      name: lines.at(-1)?.containerName ?? world.engine.find(id)?.name ?? '',
      missed: missed.has(id),
      marks: stored.map(({ line }) => line).filter(isGapText),
    });
  }
  return accounts;
}

/**
 * A line whose beginning was delivered before the rest of it was lost, or came too late, is in Loki in pieces: its
 * own bytes, with its own stamp. If all of them are there, it counts as found; if not, it must be named like any
 * other, and the pieces count nowhere.
 */
function withWholeLines(lines: readonly SimulatedLine[], stored: readonly StoredEntry[]): StoredEntry[] {
  const written = grouped(lines.map(ofEngine), keyOfLine);
  const found: StoredEntry[] = [];
  for (const [key, entries] of grouped(stored, (entry) => keyOfLine(ofLoki('', entry)))) {
    const texts = new Set(written.get(key)?.map(({ text }) => text));
    const pieces = entries.filter(({ line }) => {
      return !texts.has(line) && [...texts].some((text) => text.length > CHUNK_BYTES && text.includes(line));
    });
    found.push(...entries.filter((entry) => !pieces.includes(entry)));
    const [first] = pieces;
    const whole = pieces.map(({ line }) => line).join('');
    if (first !== undefined && texts.has(whole)) found.push({ ...first, line: whole });
  }
  return found;
}

function keyOfLine({ stream, seconds, nanos }: AccountLine): string {
  return `${stream} ${seconds} ${nanos}`;
}

type SimulatedLine = WrittenLine & { readonly tty: boolean };

function ofEngine({ containerId, stream, stampNs, text, tty }: SimulatedLine): AccountLine {
  const shown = text.toString('utf8');
  return {
    ...at(stampNs),
    containerId,
    stream: stream === 'stdout' ? 1 : 2,
    // The terminal's, not the line's.
    text: tty && shown.endsWith('\r') ? shown.slice(0, -1) : shown,
  };
}

function ofLoki(containerId: string, { labels, stamp, line }: StoredEntry): AccountLine {
  return { ...at(stamp), containerId, stream: labels['stream'] === 'stderr' ? 2 : 1, text: line };
}

async function refusals(path: string): Promise<Map<string, { line: AccountLine; reason: string }[]>> {
  const all: { line: AccountLine; reason: string }[] = [];
  for await (const { labels, structuredMetadata, stamp, line, reason } of readRejectedFile(path)) {
    const containerId = structuredMetadata['container_id'] ?? '';
    const stream = labels['stream'] === 'stderr' ? 2 : 1;
    all.push({ line: { ...at(stamp), containerId, stream, text: line.toString('utf8') }, reason });
  }
  return grouped(all, ({ line }) => line.containerId);
}

function at(stamp: Nanoseconds): { seconds: number; nanos: number } {
  return { seconds: secondsOf(stamp), nanos: nanosOf(stamp) };
}

function grouped<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
