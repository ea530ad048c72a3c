import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Where the Engine's driver `journald` writes to (sd_journal_send). One for the whole machine. */
const SOCKET = '/run/systemd/journal/socket';
const PROGRAMS = ['/usr/lib/systemd/systemd-journald', '/lib/systemd/systemd-journald'];
const START_DEADLINE_MS = 30_000;

/** A journal for containers with the driver `journald`. */
export interface Journal {
  /** Ends it, if it was started for the tests. */
  stop(): Promise<void>;
}

/**
 * The machine's journal where systemd runs one, else one of the tests' own: on a machine without systemd, such
 * as a container, systemd-journald runs by itself.
 *
 * @throws Error when there is none, with what to install
 */
export async function startJournal(): Promise<Journal> {
  if (await answers()) return { stop: async () => undefined };
  const program = PROGRAMS.find((path) => existsSync(path));
  if (program === undefined) {
    throw new Error('no systemd-journald on this machine. Run: .ci/install-engines.sh (as root)');
  }
  mkdirSync('/run/systemd/journal', { recursive: true });
  const child = spawn(program, { stdio: 'ignore' });
  const deadline = performance.now() + START_DEADLINE_MS;
  while (!(await answers())) {
    if (child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`${program} did not come up (exit code ${String(child.exitCode)})`);
    }
    await delay(50);
  }
  return { stop: async () => await end(child) };
}

/** A socket that no one reads stays behind when its journald is killed. */
async function answers(): Promise<boolean> {
  if (!existsSync(SOCKET)) return false;
  return await new Promise<boolean>((resolve) => {
    // logger of util-linux fails when nobody is bound to the datagram socket.
    const probe = spawn('logger', ['--journald'], { stdio: ['pipe', 'ignore', 'ignore'] });
    probe.once('error', () => resolve(false));
    probe.once('exit', (code) => resolve(code === 0));
    probe.stdin.end('MESSAGE=pollard looks whether the journal answers\n');
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
