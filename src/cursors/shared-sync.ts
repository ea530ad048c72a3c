/**
 * Shares one costly operation among all who ask for it while it runs: each caller is served by a run that began
 * after its call. With many containers committing at once one fsync of the directory stands for many.
 */
export class SharedSync {
  readonly #run: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  /** Rejects with what the run that served the call rejected with. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    // What runs already may have begun before the caller's change.
    this.#next ??= this.#running.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    const running = this.#run().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
