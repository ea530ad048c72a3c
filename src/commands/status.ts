import type { Config } from '../config/schema.js';
import { lockHolder, describeOwner } from '../cursors/lock.js';
import { PollardError } from '../model/errors.js';
import { ExitCode } from '../model/exit-codes.js';
import { systemClock } from '../model/system-clock.js';
import { secretMask } from '../observe/secret-mask.js';
import type { Output } from './output.js';
import { printError } from './print-error.js';
import { silentLogger } from './silent-logger.js';
import { readSnapshot } from './status/snapshot.js';
import { askStatusPage } from './status/status-client.js';
import { statusText } from './status/text.js';
import { watch, type Picture } from './status/watch.js';
import { stopSignals } from './stop-signals.js';
import { styleFor } from './view/style.js';
import { knownSecrets } from './wiring/known-secrets.js';

export interface StatusFlags {
  /** What the service says, as one line of JSON. */
  readonly json: boolean;
  /** Also the containers of which nothing more is to be read. */
  readonly all: boolean;
  /** Again and again, every so many ms; undefined: once. */
  readonly watch: number | undefined;
}

/**
 * `pollard status`: asks the running service how it is.
 *
 * @returns the exit code: ok when it is healthy or degraded, failure when it is unhealthy; when it is watched, as it
 *   was last
 * @throws PollardError when it cannot be asked; not while it is watched
 */
export async function status(
  config: Config,
  flags: StatusFlags,
  output: Output,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const take = (): Promise<Picture> => pictureOf(config, flags, output, env);
  if (flags.watch === undefined) {
    const { text, code } = await take();
    output.out.write(text);
    return code;
  }
  const stop = stopSignals(silentLogger);
  try {
    const patient = (): Promise<Picture> =>
      take().catch((error: unknown) => failurePicture(error, config, flags));
    return await watch(patient, flags.watch, output.out, systemClock, stop.signal);
  } finally {
    stop.release();
  }
}

async function pictureOf(
  config: Config,
  flags: StatusFlags,
  output: Output,
  env: NodeJS.ProcessEnv,
): Promise<Picture> {
  const answer = await askStatusPage(config, '/status').catch(async (error: unknown) => {
    throw await withOwner(error, config);
  });
  const snapshot = readSnapshot(answer);
  const code = snapshot.health.state === 'unhealthy' ? ExitCode.failure : ExitCode.ok;
  const mask = secretMask(knownSecrets(config));
  if (flags.json) return { text: mask(`${answer.body.trim()}\n`), code };
  const style = styleFor(output.out, env);
  const text = statusText(snapshot, { style, now: systemClock.now(), all: flags.all });
  const blank = flags.watch !== undefined && output.out.isTTY !== true ? '\n' : '';
  return { text: mask(`${text}${blank}`), code };
}

/** Whether a service runs at all is known by its lock. */
async function withOwner(error: unknown, config: Config): Promise<unknown> {
  if (!(error instanceof PollardError) || error.code !== 'status_unreachable') return error;
  const holder = await lockHolder(config.collector.state_dir).catch(() => undefined);
  if (holder === undefined) return error;
  const owner = holder.owner === undefined ? 'another process' : describeOwner(holder.owner);
  const hint = holder.held
    ? `${owner} owns ${config.collector.state_dir}: a service listens at the status.listen that it was started with`
    : `no service owns ${config.collector.state_dir}: start it (systemctl start pollard), or give this command the configuration of the service`;
  return new PollardError(error.code, error.message, { hint, setting: 'status.listen', cause: error });
}

/** While it is watched, a service that does not answer may come back. */
function failurePicture(error: unknown, config: Config, flags: StatusFlags): Picture {
  if (!(error instanceof PollardError)) throw error;
  if (flags.json) {
    const { code, message, hint, setting } = error;
    const document = { error: { code, message, hint: hint ?? null, setting: setting ?? null } };
    return {
      text: secretMask(knownSecrets(config))(`${JSON.stringify(document)}\n`),
      code: ExitCode[error.exit],
    };
  }
  let text = '';
  const code = printError(error, { write: (piece: string) => (text += piece) }, knownSecrets(config));
  return { text, code };
}
