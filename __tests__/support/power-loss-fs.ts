import { dirname } from 'node:path';
import type { CursorFile, CursorFs } from '../../src/cursors/cursor-fs.js';

/** The power went: no call of this boot is answered any more. */
export class PowerLoss extends Error {}

class Inode {
  /** What a reader sees. */
  bytes: Buffer = Buffer.alloc(0);
  /** What the last fsync put on the disk. */
  durable: Buffer = Buffer.alloc(0);
}

type Entry = Inode | 'dir';
type Entries = Map<string, Entry>;
type Change = (entries: Entries) => void;

function fail(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: simulated, '${path}'`), { code });
}

/**
 * A file system that knows what is on the disk and what only in memory. Power loss at a chosen call; what was
 * not fsynced is then there, or not, or (data) half or as NULs, as `chance` decides. Also fails at chosen calls.
 */
export class PowerLossFs implements CursorFs {
  /** What readers see, by absolute path. */
  #entries: Entries = new Map<string, Entry>([['/', 'dir']]);
  /** What is on the disk. */
  #durable: Entries = new Map<string, Entry>([['/', 'dir']]);
  /** Changes of a directory since its last fsync, in order. */
  #pending = new Map<string, Change[]>();
  #calls = 0;
  readonly calls: string[] = [];
  /** Asked before each call: an errno to fail with, 'power' to lose power, undefined to go on. */
  decide: (call: number, name: string) => string | undefined = () => undefined;
  /** The most bytes that one write takes. */
  writeLimit = Infinity;

  get callCount(): number {
    return this.#calls;
  }

  /** The disk after power came back: [0, 1) decides what of the un-synced survived. */
  afterPowerLoss(chance: () => number): PowerLossFs {
    const next = new PowerLossFs();
    const entries: Entries = new Map(this.#durable);
    for (const changes of this.#pending.values()) {
      // Independent metadata changes of one directory may reach the disk in any selection.
      for (const change of changes) if (chance() < 0.5) change(entries);
    }
    const survived = new Map<Inode, Inode>();
    for (const [path, entry] of entries) {
      if (entry === 'dir') continue;
      const inode = survived.get(entry) ?? new Inode();
      survived.set(entry, inode);
      inode.bytes = afterCrash(entry, chance);
      inode.durable = inode.bytes;
      entries.set(path, inode);
    }
    // A directory that was lost takes what is in it along.
    for (const path of [...entries.keys()].sort()) {
      if (path !== '/' && entries.get(dirname(path)) !== 'dir') entries.delete(path);
    }
    next.#entries = new Map(entries);
    next.#durable = entries;
    return next;
  }

  /** Puts a file there, durable. */
  plant(path: string, bytes: Uint8Array): void {
    const inode = new Inode();
    inode.bytes = Buffer.from(bytes);
    inode.durable = inode.bytes;
    this.#entries.set(path, inode);
    this.#durable.set(path, inode);
  }

  plantDir(path: string): void {
    this.#entries.set(path, 'dir');
    this.#durable.set(path, 'dir');
  }

  contentOf(path: string): Buffer | undefined {
    const entry = this.#entries.get(path);
    return entry instanceof Inode ? entry.bytes : undefined;
  }

  files(): string[] {
    return [...this.#entries].filter(([, entry]) => entry !== 'dir').map(([path]) => path);
  }

  makeDir = async (path: string): Promise<void> => {
    await this.#call('makeDir', path);
    if (this.#entries.has(path)) fail('EEXIST', path);
    this.#inDir(path);
    this.#change(path, (entries) => entries.set(path, 'dir'));
  };

  makePrivate = async (path: string): Promise<void> => {
    await this.#call('makePrivate', path);
  };

  list = async (path: string): Promise<string[]> => {
    await this.#call('list', path);
    return [...this.#entries.keys()]
      .filter((other) => other !== '/' && dirname(other) === path)
      .map((other) => other.slice(path.length + 1));
  };

  read = async (path: string, maxBytes: number): Promise<Uint8Array> => {
    await this.#call('read', path);
    return Buffer.from(this.#file(path).bytes.subarray(0, maxBytes));
  };

  create = async (path: string): Promise<CursorFile> => {
    await this.#call('create', path);
    this.#inDir(path);
    let inode = this.#entries.get(path);
    if (!(inode instanceof Inode)) {
      const made = new Inode();
      inode = made;
      this.#change(path, (entries) => entries.set(path, made));
    }
    const file = inode;
    file.bytes = Buffer.alloc(0);
    return {
      write: async (bytes) => {
        await this.#call('write', path);
        const taken = Math.min(bytes.length, this.writeLimit);
        file.bytes = Buffer.concat([file.bytes, bytes.subarray(0, taken)]);
        return taken;
      },
      sync: async () => {
        const bytes = file.bytes;
        await this.#call('sync', path);
        file.durable = bytes;
      },
      close: async () => this.#call('close', path),
    };
  };

  rename = async (from: string, to: string): Promise<void> => {
    await this.#call('rename', from);
    const entry = this.#entries.get(from) ?? fail('ENOENT', from);
    this.#change(to, (entries) => {
      entries.delete(from);
      entries.set(to, entry);
    });
  };

  remove = async (path: string): Promise<void> => {
    await this.#call('remove', path);
    this.#file(path);
    this.#change(path, (entries) => entries.delete(path));
  };

  syncDir = async (path: string): Promise<void> => {
    // Only what was changed before the call is promised.
    const changes = this.#pending.get(path) ?? [];
    await this.#call('syncDir', path);
    for (const change of changes) change(this.#durable);
    const later = (this.#pending.get(path) ?? []).filter((change) => !changes.includes(change));
    this.#pending.set(path, later);
  };

  async #call(name: string, path: string): Promise<void> {
    // Like a real call: something else may run meanwhile.
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.calls.push(name);
    const decision = this.decide(this.#calls++, name);
    if (decision === 'power') throw new PowerLoss();
    if (decision !== undefined) fail(decision, path);
  }

  #change(path: string, change: Change): void {
    change(this.#entries);
    const dir = dirname(path);
    this.#pending.set(dir, [...(this.#pending.get(dir) ?? []), change]);
  }

  #file(path: string): Inode {
    const entry = this.#entries.get(path) ?? fail('ENOENT', path);
    return entry === 'dir' ? fail('EISDIR', path) : entry;
  }

  #inDir(path: string): void {
    if (this.#entries.get(dirname(path)) !== 'dir') fail('ENOENT', path);
  }
}

/** What was written but not fsynced may be there in part, or as NULs, or not at all. */
function afterCrash(inode: Inode, chance: () => number): Buffer {
  if (inode.bytes.equals(inode.durable)) return inode.durable;
  const what = chance();
  if (what < 0.25) return inode.durable;
  if (what < 0.5) return Buffer.alloc(inode.bytes.length);
  if (what < 0.75) return inode.bytes.subarray(0, Math.floor(chance() * inode.bytes.length));
  return inode.bytes;
}
