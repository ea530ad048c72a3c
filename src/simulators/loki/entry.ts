import type { Nanoseconds } from '../../model/nanoseconds.js';
import { sameLabels, type Label } from './labels.js';

/** An entry as pushed and as stored. */
export interface Entry {
  readonly stamp: Nanoseconds;
  /**
   * The line's bytes as characters (latin1): Loki does not ask whether they are UTF-8, and two lines that differ
   * only in broken bytes are two lines.
   */
  readonly line: string;
  readonly metadata: readonly Label[];
}

/** An entry as stored, with the chunk of its stream that it lies in. */
export interface KeptEntry extends Entry {
  readonly chunk: number;
}

export interface PushedStream {
  /** As the client wrote them. */
  readonly labels: string;
  readonly entries: readonly Entry[];
}

/** Of entries with the same stamp. */
export function equalEntries(a: Entry, b: Entry, metadataCounts: boolean): boolean {
  return a.line === b.line && (!metadataCounts || sameLabels(a.metadata, b.metadata));
}

export const NO_METADATA: readonly Label[] = [];

/** Line and structured metadata without `detected_level` (pkg/util/entry_size.go EntryTotalSize). */
export function entrySize({ line, metadata }: Entry): number {
  return line.length + metadataSize(metadata);
}

/** Names and values without `detected_level` (pkg/util/entry_size.go StructuredMetadataSize). */
export function metadataSize(metadata: readonly Label[]): number {
  let size = 0;
  for (const { name, value } of metadata) {
    if (name !== DETECTED_LEVEL) size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return size;
}

export const DETECTED_LEVEL = 'detected_level';

/** A line for people: as UTF-8, broken bytes replaced, as Loki answers in JSON. */
export function lineText(line: string): string {
  return Buffer.from(line, 'latin1').toString('utf8');
}
