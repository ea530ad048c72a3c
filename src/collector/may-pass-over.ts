import type { ContainerRef } from '../model/container.js';
import type { PassesOver } from './damaged-log.js';
import type { PollContext } from './poll-task.js';

type EngineRules = Pick<PollContext, 'sinceSemantics' | 'passesOverFiles'>;

/**
 * Whether the Engine may pass over entries in the middle of this log without a word. 20.10 may in the log of a json-file.
 * From Engine 23 on an answer ends where the damage is; from 27.4 on it goes on with the next file, if there is one.
 */
export function mayPassOver(
  { sinceSemantics, passesOverFiles }: EngineRules,
  { logDriver, singleFile }: ContainerRef,
): boolean {
  if (sinceSemantics() === 'filter') return logDriver === 'json-file';
  return singleFile !== true && passesOverFiles?.() === true;
}

/** What the Engine passes over behind a damaged record of this log. */
export function whatIsPassedOver(engine: EngineRules, container: ContainerRef): PassesOver {
  if (!mayPassOver(engine, container)) return 'nothing';
  return engine.sinceSemantics() === 'filter' ? 'some' : 'rest_of_file';
}
