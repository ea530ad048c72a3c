import { join } from 'node:path';
import { look } from '../collector/look.js';
import type { Config } from '../config/schema.js';
import { formatDuration } from '../config/values.js';
import { cursorFile } from '../cursors/file-names.js';
import { seeCursors } from '../cursors/read-cursors.js';
import type { CursorStore } from '../cursors/store.js';
import type { AnchorEntry, Cursor } from '../model/cursor.js';
import { ExitCode } from '../model/exit-codes.js';
import { systemClock } from '../model/system-clock.js';
import { choose, matching, type Named } from './cursors/choose.js';
import { cursorJson, cursorText, listText } from './cursors/text.js';
import { unlessInterrupted } from './interrupted.js';
import type { Output } from './output.js';
import { shownText } from './shown-text.js';
import { silentLogger } from './silent-logger.js';
import { stopSignals } from './stop-signals.js';
import { styleFor } from './view/style.js';
import { engineParts, type EngineParts } from './wiring/engine-parts.js';
import { standardLogger } from './wiring/observe-parts.js';
import { openState } from './wiring/state.js';

/** Where a cursor can be set to. */
export type Place = 'beginning' | 'end';

/**
 * `pollard cursors list`, beside a running service or without one.
 *
 * @returns the exit code
 * @throws PollardError `cursor_read_failed`
 */
export async function listCursors(
  config: Config,
  json: boolean,
  output: Output,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const seen = await seeCursors(config.collector.state_dir);
  if (json) {
    const unusable = seen.unusable.map(({ id, error: { code, message } }) => ({ id, code, message }));
    const document = { cursors: seen.cursors.map(cursorJson), unusable, kept_aside: seen.kept };
    output.out.write(`${JSON.stringify(document)}\n`);
  } else output.out.write(listText(seen, styleFor(output.out, env), systemClock.now()));
  return ExitCode.ok;
}

/**
 * `pollard cursors show`.
 *
 * @param written a container's name, or the beginning of its id
 * @returns the exit code
 * @throws PollardError for one that is not there
 */
export async function showCursor(
  config: Config,
  written: string,
  json: boolean,
  output: Output,
): Promise<number> {
  const cursor = await findCursor(config, written);
  const file = join(config.collector.state_dir, 'cursors', cursorFile(cursor.containerId));
  const text = json ? `${JSON.stringify(cursorJson(cursor))}\n` : cursorText(cursor, file, systemClock.now());
  output.out.write(text);
  return ExitCode.ok;
}

/**
 * `pollard cursors forget`: the start policy applies to these containers again. All or none, if one is not there.
 *
 * @param written a name or the beginning of an id, each
 * @returns the exit code
 * @throws StateLocked when a service owns the cursors; PollardError for one that is not there
 */
export async function forgetCursors(
  config: Config,
  written: readonly string[],
  output: Output,
): Promise<number> {
  // Before the directory is taken: it must not be made for a name that was mistyped.
  for (const each of written) await findCursor(config, each);
  const { start } = config;
  const policy = typeof start === 'string' ? start : `${formatDuration(start.backMs)} back`;
  await owning(config, 'pollard cursors forget', output, async (store) => {
    const known = store.all().map(named);
    const chosen = new Set(written.map((each) => choose(each, known, CURSORS)));
    for (const cursor of chosen) {
      await store.forget(cursor.id);
      output.out.write(`${title(cursor)}: forgotten; its log is begun anew (start: ${policy})\n`);
    }
  });
  return ExitCode.ok;
}

/**
 * `pollard cursors reset`: the next poll of the container begins at the beginning of its log, or behind its end as it
 * is now, which the Engine is asked for.
 *
 * @param written a name or the beginning of an id
 * @returns the exit code
 * @throws StateLocked when a service owns the cursors; PollardError for a container that is not there; EngineError
 */
export async function resetCursor(
  config: Config,
  written: string,
  place: Place,
  output: Output,
): Promise<number> {
  const stop = stopSignals(silentLogger);
  try {
    const engine = await engineParts(config, systemClock);
    const reset = place === 'end' ? resetToEnd : resetToBeginning;
    await unlessInterrupted('the reset', stop.signal, () =>
      reset(config, written, engine, output, stop.signal),
    );
    return ExitCode.ok;
  } finally {
    stop.release();
  }
}

async function resetToBeginning(
  config: Config,
  written: string,
  { engine }: EngineParts,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const known = (await seeCursors(config.collector.state_dir)).cursors.map(named);
  // The Engine is asked only for a container that has no cursor yet.
  const meant =
    matching(written, known).length > 0
      ? choose(written, known, CURSORS)
      : choose(written, await engine.list(signal), CONTAINERS);
  await owning(config, RESET, output, async (store) => {
    await store.commit(cursorAt(meant, []));
    output.out.write(`${title(meant)}: the next poll begins at the beginning of its log\n`);
  });
}

async function resetToEnd(
  config: Config,
  written: string,
  { engine, readLogs }: EngineParts,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const meant = choose(written, await engine.list(signal), CONTAINERS);
  const details = await engine.inspect(meant.id, signal);
  await owning(config, RESET, output, async (store) => {
    const size = config.poll.anchor;
    const { last, fault } = await look(readLogs, { ...meant, ...details }, size, size, signal);
    if (fault !== undefined) throw fault;
    await store.commit(cursorAt(meant, last));
    output.out.write(`${title(meant)}: the next poll begins behind what its log holds now\n`);
  });
}

const RESET = 'pollard cursors reset';
const CURSORS = { noun: 'cursor', shownBy: 'pollard cursors list' };
const CONTAINERS = { noun: 'container', shownBy: 'docker ps -a' };

interface NamedCursor extends Named {
  readonly cursor: Cursor;
}

function named(cursor: Cursor): NamedCursor {
  return { id: cursor.containerId, name: cursor.containerName, cursor };
}

async function findCursor(config: Config, written: string): Promise<Cursor> {
  const { cursors } = await seeCursors(config.collector.state_dir);
  return choose(written, cursors.map(named), CURSORS).cursor;
}

/** Owns the state directory for as long as it takes. */
async function owning(
  config: Config,
  command: string,
  output: Output,
  use: (store: CursorStore) => Promise<void>,
): Promise<void> {
  const clock = systemClock;
  // Only what is lost is worth a line here: a damaged cursor that is kept aside.
  const quiet: Config = { ...config, log: { ...config.log, level: 'error' } };
  const logger = standardLogger(quiet, clock, output.err);
  try {
    const state = await openState(config, command, clock, logger);
    try {
      await use(state.store);
    } finally {
      // What is read from a changed cursor on may be in Loki already: the next start asks.
      await state.release(false);
    }
  } finally {
    await logger.close();
  }
}

function cursorAt({ id, name }: Named, anchor: readonly AnchorEntry[]): Cursor {
  const committedAt = systemClock.now();
  return { containerId: id, containerName: name, anchor, open: [], moved: {}, committedAt };
}

function title({ name, id }: Named): string {
  return `${shownText(name)} (${id.slice(0, 12)})`;
}
