import { PollardError } from '../model/errors.js';

/** What can be wrong inside an answer whose status was 200. */
export type LogFault =
  /**
   * The words of an error inside the log: the daemon's own (stream type 3), or those of a proxy or fork, which have no
   * timestamp. Good lines may be missing with it.
   */
  | 'daemon_error'
  /** The body ended in the middle of a frame or of an entry. */
  | 'truncated'
  /** The Engine sent nothing more, and did not end the answer. */
  | 'stalled'
  /** A frame or an entry is longer than the bound. */
  | 'too_large'
  /** Bytes that are no frame, or a body in an encoding that was not asked for. */
  | 'malformed';

/** A fault found in the body of a logs answer. What came before it is good. */
export class LogBodyError extends PollardError {
  override name = 'LogBodyError';
  readonly fault: LogFault;

  constructor(fault: LogFault, message: string) {
    const setting = SETTINGS[fault];
    super(`log_${fault}`, message, {
      hint: HINTS[fault],
      exit: 'partial',
      ...(setting === undefined ? {} : { setting }),
    });
    this.fault = fault;
  }
}

/** What bounds an answer that was cut off. */
const SETTINGS: Partial<Record<LogFault, string>> = {
  stalled: 'poll.idle_timeout',
  too_large: 'poll.max_frame_bytes',
};

const HINTS: Record<LogFault, string> = {
  daemon_error: "look into the Engine's own log; a corrupt or missing log file is the usual cause",
  truncated: 'the Engine was restarted or broke off; the rest is read by the next poll',
  stalled: 'look at the load and the log of the Engine; the rest is read by the next poll',
  too_large: 'raise poll.max_frame_bytes if the container really writes entries of this size',
  malformed: 'check that docker.host is a Docker Engine and that no proxy rewrites its answers',
};
