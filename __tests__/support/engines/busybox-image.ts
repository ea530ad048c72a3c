import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ApiError } from './api.js';
import type { ApiAnswer, EngineApi } from './api.js';

const run = promisify(execFile);

/** Each in turn, when the Engine breaks off the connection without an answer; ms before the next one. */
const TRIES = [0, 500, 2000];

/** The image that the test containers run, once importBusybox has put it there. */
export const BUSYBOX_IMAGE = 'pollard-test:busybox';

/**
 * Makes the image of the test containers on an engine, without any registry: a root file system of the machine's
 * static busybox with a link for each of its programs, imported as `docker import -` does.
 */
export async function importBusybox(api: EngineApi): Promise<string> {
  const path = `/images/create?fromSrc=-&repo=pollard-test&tag=busybox`;
  const answer = await untilAnswered(api, path, await busyboxRoot());
  // An import that fails halfway reports it inside of a 200 answer.
  if (answer.status !== 200 || answer.body.includes('"error"')) throw new ApiError('POST', path, answer);
  return BUSYBOX_IMAGE;
}

/** The same image is made anew each time, so that a second import does no harm behind one that was done in part. */
async function untilAnswered(api: EngineApi, path: string, body: Buffer): Promise<ApiAnswer> {
  const failures: unknown[] = [];
  for (const wait of TRIES) {
    await delay(wait);
    try {
      return await api.send('POST', path, { body });
    } catch (error) {
      failures.push(error);
    }
  }
  const said = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  throw new Error(`${api.socketPath} broke off ${path} each time: ${said.join(', ')}`, {
    cause: failures.at(-1),
  });
}

async function busyboxRoot(): Promise<Buffer> {
  const root = await mkdtemp(join(tmpdir(), 'pollard-busybox-'));
  try {
    await mkdir(join(root, 'bin'));
    await mkdir(join(root, 'tmp'), { mode: 0o1777 });
    await copyFile('/bin/busybox', join(root, 'bin/busybox'));
    const { stdout } = await run('/bin/busybox', ['--list']);
    for (const program of stdout.split('\n')) {
      if (program !== '' && program !== 'busybox') await symlink('busybox', join(root, 'bin', program));
    }
    const tar = await run('tar', ['--owner=0', '--group=0', '-C', root, '-cf', '-', '.'], {
      encoding: 'buffer',
      maxBuffer: 64 * 1024 * 1024,
    });
    return tar.stdout;
  } finally {
    await rm(root, { recursive: true });
  }
}
