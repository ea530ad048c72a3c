import { PollardError } from '../model/errors.js';

/** Codes of answers that were too long, or took too long; their setting is what bounds them. */
const CUT_OFF: ReadonlySet<string> = new Set([
  'poll_deadline_passed',
  'log_too_large',
  'log_stalled',
  'engine_answer_too_large',
  'engine_timeout',
]);

/** The settings by which an answer of the Engine may be cut off. */
export const CUTTING_SETTINGS = [
  'poll.max_frame_bytes',
  'poll.idle_timeout',
  'poll.deadline',
  'docker.max_answer_bytes',
  'docker.timeout',
] as const;

/** The setting by whose bound an answer was cut off; undefined: it ended in another way. */
export function cutOffBy(error: Error | undefined): string | undefined {
  return error instanceof PollardError && CUT_OFF.has(error.code) ? error.setting : undefined;
}
