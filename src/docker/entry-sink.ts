/** The Engine's stream numbers: 1 stdout, 2 stderr (moby: pkg/stdcopy). A TTY's lines are all stdout. */
export type StreamNumber = 1 | 2;

/**
 * Takes the entries of one answer, in file order. An entry is what the Engine stored at once: a line, or a
 * chunk of a long one.
 */
export interface EntrySink {
  /**
   * One entry: `source[start, end)` is its text without stamp and newline. Whoever keeps a reference keeps the
   * whole piece of the body in memory; see `letGo`.
   *
   * @param seconds whole seconds of the stamp, since 1970
   * @param nanos nanoseconds within that second
   * @param terminated whether the entry ended with a newline; if not, it is a chunk with more to come, or the
   *   last words of a process
   */
  entry(
    stream: StreamNumber,
    seconds: number,
    nanos: number,
    source: Buffer,
    start: number,
    end: number,
    terminated: boolean,
  ): void;

  /**
   * The bytes handed over so far are about to be overwritten: what is still needed of them must be copied now. A
   * sink without this method is given bytes that are never overwritten, at the cost of a copy of the whole body.
   */
  letGo?(): void;
}
