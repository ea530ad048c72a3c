import type { Writable } from 'node:stream';
import { sharedController } from '../model/shared-controller.js';

/** Where a command writes: results to `out`, all else to `err`. */
export interface Output {
  readonly out: Writable & { readonly isTTY?: boolean };
  readonly err: Writable & { readonly isTTY?: boolean };
}

/**
 * A reader that goes away (`pollard verify | head`) ends neither the work of a command nor its exit code: what is
 * printed for it is dropped. Any other error of a stream is thrown as it would be without this. A command whose only
 * work is to print ends by itself then: see watchReader.
 */
export function outliveReaders({ out, err }: Output): void {
  for (const stream of [out, err]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

export interface ReaderWatch {
  /** Aborts when nobody reads the stream any more, which shows at the first write after that. */
  readonly signal: AbortSignal;
  /** Stops watching. */
  release(): void;
}

/**
 * Watches for the end of a stream's reader (`| head`). For a command that only prints: nothing else ends one that
 * prints again and again. It is used together with outliveReaders, which lets the other commands go on.
 */
export function watchReader(stream: Output['out']): ReaderWatch {
  const controller = sharedController();
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') controller.abort(error);
  };
  stream.on('error', onError);
  return { signal: controller.signal, release: () => void stream.off('error', onError) };
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
