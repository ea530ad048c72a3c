type Close = () => Promise<void> | void;

/** What was opened and must be given back: the last first, and all of it, also when one of them fails. */
export class Closers {
  readonly #closers: Close[] = [];

  add(close: Close): void {
    this.#closers.push(close);
  }

  /** @throws the first failure, once all were tried. Does nothing the second time. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0] as Error;
  }

  /** After a failure: what goes wrong now is not what is to be told. */
  async abandon(): Promise<void> {
    await this.close().catch(() => undefined);
  }
}
