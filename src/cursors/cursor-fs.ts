/** A file open for writing. */
export interface CursorFile {
  /** Writes from `bytes` at the file's end; returns how many it took, which may be fewer. */
  write(bytes: Uint8Array): Promise<number>;
  /** fsync: returns once the bytes are on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * What the cursor store asks of a file system, so that tests can make it fail, and lose power. Errors are those
 * of node:fs, known by their `code`.
 */
export interface CursorFs {
  /** Makes one directory, 0700; EEXIST when something of the name is there. */
  makeDir(path: string): Promise<void>;
  /** Takes the directory from everybody else (0700). */
  makePrivate(path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  /** At most `maxBytes`; the rest is not read. */
  read(path: string, maxBytes: number): Promise<Uint8Array>;
  /** A new or emptied file, 0600. */
  create(path: string): Promise<CursorFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** fsync of the directory: returns once what was made, renamed and removed in it is on the disk. */
  syncDir(path: string): Promise<void>;
}
