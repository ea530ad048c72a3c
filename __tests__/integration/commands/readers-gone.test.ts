import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { outliveReaders } from '../../../src/commands/output.js';
import { PROGRAM } from '../../support/collector/program.js';
import { freePort } from '../../support/free-port.js';
import { withFolder } from '../../support/test-folder.js';

/** Runs the program with one of its outputs closed before it has said a word. */
async function withoutReader(gone: 'stdout' | 'stderr', args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const heard = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    if (name === gone) child[name].destroy();
    else child[name].setEncoding('utf8').on('data', (text: string) => (heard[name] += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...heard };
}

describe('a reader that goes away', () => {
  test.each([
    { gone: 'stdout', args: ['run', '--help'], code: 0 },
    { gone: 'stdout', args: ['config'], code: 0 },
    { gone: 'stderr', args: ['no-such-command'], code: 2 },
  ] as const)('of $gone takes nothing from `pollard $args`', async ({ gone, args, code }) => {
    expect(await withoutReader(gone, args)).toEqual({ code, stdout: '', stderr: '' });
  });

  test('ends `pollard status --watch`, which does nothing but print', async () => {
    await withFolder('readers-gone', async (folder) => {
      const listen = `127.0.0.1:${await freePort()}`;
      const words = [
        'status',
        '--watch',
        '100ms',
        '--status-listen',
        listen,
        '--collector-state-dir',
        folder,
      ];
      const child = spawn(process.execPath, [PROGRAM, ...words, '--loki-url', 'http://127.0.0.1:9'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const ended = once(child, 'close');
        await once(child.stdout, 'data');
        child.stdout.destroy();
        // Nobody answers there, and that is how it ends.
        expect(await ended).toEqual([1, null]);
      } finally {
        child.kill('SIGKILL');
      }
    });
  });

  test('is told from another error of a stream', () => {
    const output = { out: new PassThrough(), err: new PassThrough() };
    outliveReaders(output);
    expect(() => output.out.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }))).not.toThrow();
    expect(() => output.err.emit('error', Object.assign(new Error('full'), { code: 'ENOSPC' }))).toThrow(
      'full',
    );
  });
});
