import { appendFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import type { TestContainer } from './container.js';

/** A line of a json-file log (moby: daemon/logger/jsonfilelog/jsonlog). `log` ends with `\n`, or is a chunk. */
export interface JsonLogEntry {
  readonly log: string;
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
}

/** An entry, or bytes written as they are (a corrupt line; bring your own newline). */
export type JsonLogLine = JsonLogEntry | { readonly raw: string | Buffer };

export interface RotatedFile {
  readonly lines: readonly JsonLogLine[];
  /** Compressed as the Engine does it, if there is one: the stamp that the header claims was written last. */
  readonly compressed?: { readonly lastTime: string };
  /** Written in place of all that: a file that is no gzip, or one cut short. Its name ends in `.gz`. */
  readonly spoiled?: Buffer;
}

export interface JsonLog {
  /** The file being written. */
  readonly current: readonly JsonLogLine[];
  /** `.1`, `.2`, ... The newest first. The container's `max-file` must be larger than their number. */
  readonly rotated?: readonly RotatedFile[];
}

/**
 * Puts a log written by hand in the place of a container's own. The container must not run (the Engine holds the
 * file open while it does); the engine may run or not, since it opens the files anew at each request. Files
 * rotated earlier are removed.
 */
export async function writeJsonLog(container: TestContainer, log: JsonLog): Promise<void> {
  const path = container.logPath();
  for (const name of await readdir(dirname(path))) {
    if (name.startsWith(`${basename(path)}.`)) await rm(join(dirname(path), name));
  }
  await writeFile(path, encode(log.current), { mode: 0o640 });
  for (const [index, file] of (log.rotated ?? []).entries()) {
    const name = `${path}.${index + 1}`;
    if (file.spoiled !== undefined) await writeFile(`${name}.gz`, file.spoiled, { mode: 0o640 });
    else if (file.compressed)
      await writeFile(`${name}.gz`, gzip(file.lines, file.compressed.lastTime), { mode: 0o640 });
    else await writeFile(name, encode(file.lines), { mode: 0o640 });
  }
}

/** Adds to the log of a container that does not run. */
export async function appendJsonLog(container: TestContainer, lines: readonly JsonLogLine[]): Promise<void> {
  await appendFile(container.logPath(), encode(lines));
}

/** Compressed as the Engine does it; for tests that spoil it. */
export function gzip(lines: readonly JsonLogLine[], lastTime: string): Buffer {
  const content = encode(lines);
  // The extra field is the bare JSON, without the subfields that RFC 1952 asks for (moby:
  // daemon/logger/loggerutils/logfile.go). Node's own gzip cannot write one.
  const extra = Buffer.from(JSON.stringify({ lastTime }), 'utf8');
  const header = Buffer.from([
    0x1f,
    0x8b,
    8,
    0b100,
    0,
    0,
    0,
    0,
    0,
    0xff,
    extra.length & 0xff,
    extra.length >> 8,
  ]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length % 2 ** 32, 4);
  return Buffer.concat([header, extra, deflateRawSync(content), trailer]);
}

function encode(lines: readonly JsonLogLine[]): Buffer {
  return Buffer.concat(
    lines.map((line) => {
      if ('raw' in line) return Buffer.from(line.raw);
      const { log, stream, time } = line;
      return Buffer.from(`${JSON.stringify({ log, stream, time })}\n`, 'utf8');
    }),
  );
}
