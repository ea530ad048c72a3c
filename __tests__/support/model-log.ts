import type { LogSource } from '../../src/collector/log-source.js';
import type { SinceSemantics } from '../../src/docker/api-version.js';
import { NS_PER_SECOND } from '../../src/model/nanoseconds.js';
import type { TestEntry } from './wire.js';

/**
 * A container's log as the Engine answers from it, in its smallest form: entries in file order; `tail` takes
 * the last ones, then `since` filters (Engine up to 23) or seeks (24 and later).
 */
export class ModelLog {
  entries: TestEntry[] = [];
  semantics: SinceSemantics = 'seek';
  /** Requests so far. */
  reads = 0;
  /** Entries that went over the wire. */
  sent = 0;
  /** Cuts each answer after so many entries. */
  cutAfter = Infinity;

  read: LogSource = async (request, sink) => {
    await Promise.resolve();
    this.reads++;
    let shown = request.tail === undefined ? this.entries : this.entries.slice(-request.tail);
    if (request.tail === 0) shown = [];
    const since = request.since;
    if (since !== undefined) {
      if (this.semantics === 'filter') shown = shown.filter((entry) => entry.stamp >= since);
      else {
        const first = shown.findIndex((entry) => entry.stamp >= since);
        shown = first < 0 ? [] : shown.slice(first);
      }
    }
    const complete = shown.length <= this.cutAfter;
    for (const entry of shown.slice(0, this.cutAfter)) {
      this.sent++;
      sink.entry(
        entry.stream,
        Number(entry.stamp / NS_PER_SECOND),
        Number(entry.stamp % NS_PER_SECOND),
        entry.text,
        0,
        entry.text.length,
        entry.terminated,
      );
      await request.flow?.pause();
    }
    return { bytes: 0, ...(complete ? {} : { fault: new Error('broke off') }) };
  };
}
