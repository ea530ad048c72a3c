import type { Action } from './action.js';
import { COLLECTOR } from './collector.js';
import { ENGINE } from './engine.js';
import { LIVES } from './lives.js';
import { LOKI } from './loki.js';
import { SPOILS } from './spoils.js';
import { WRITES } from './writes.js';

/** All that may happen in a step. */
export const ACTIONS: readonly Action[] = [...WRITES, ...LIVES, ...ENGINE, ...SPOILS, ...LOKI, ...COLLECTOR];

export type { Action, Side } from './action.js';
