import type { Writable } from 'node:stream';

/** Where a command writes: results to `out`, all else to `err`. */
export interface Output {
  readonly out: Writable & { readonly isTTY?: boolean };
  readonly err: Writable & { readonly isTTY?: boolean };
}

/**
 * A reader that goes away (`pollard verify | head`) ends neither the work of a command nor its exit code: what is
 * printed for it is left unsaid. Any other error of a stream is thrown as it would be without this.
 */
export function outliveReaders({ out, err }: Output): void {
  for (const stream of [out, err]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** A number of bytes for people. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit] as string}`;
}
