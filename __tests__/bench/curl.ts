import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Reads a log of the Engine to /dev/null: the least that a reader of it can do.
 *
 * @param query beside what every request for logs asks
 * @returns seconds
 */
export async function curlLog(
  socketPath: string,
  containerId: string,
  query: Readonly<Record<string, string>> = {},
): Promise<number> {
  const search = new URLSearchParams({ follow: '0', stdout: '1', stderr: '1', timestamps: '1', ...query });
  const url = `http://docker/containers/${containerId}/logs?${search.toString()}`;
  const begun = performance.now();
  await run('curl', [
    '--silent',
    '--show-error',
    '--fail',
    '--unix-socket',
    socketPath,
    '--output',
    '/dev/null',
    url,
  ]);
  return (performance.now() - begun) / 1000;
}

/** @throws Error that says what to install */
export async function requireCurl(): Promise<void> {
  try {
    await run('curl', ['--version']);
  } catch {
    throw new Error('curl is not in PATH; the bench measures against it. Install curl.');
  }
}
