import type { LogsAnswer, LogSource } from '../../collector/log-source.js';
import type { EntrySink } from '../../docker/entry-sink.js';

type Entry = Parameters<EntrySink['entry']>;

/**
 * Asks once, and gives the same answer to whoever asks again: several looks at a log are then looks at the same
 * moment of it. Keeps the whole answer in memory.
 *
 * @param tail asks for so many entries from the end instead of whatever is asked for
 */
export function recordedAnswer(read: LogSource, tail: number | undefined): LogSource {
  const entries: Entry[] = [];
  let answer: Promise<LogsAnswer> | undefined;
  return async (request, sink) => {
    const { containerId, containerName, tty, signal } = request;
    answer ??= read(
      { containerId, containerName, tty, signal, ...(tail === undefined ? {} : { tail }) },
      { entry: (...entry) => void entries.push(entry) },
    );
    const told = await answer;
    for (const entry of entries) sink.entry(...entry);
    return told;
  };
}
