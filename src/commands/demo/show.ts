import type { Clock } from '../../model/clock.js';
import { ResourceSampler, type PushTotals } from '../../observe/resources.js';
import type { Service } from '../wiring/service.js';
import type { ContainerStatus } from '../wiring/status-parts.js';
import type { LiveTally } from './live-tally.js';
import type { NewestLines } from './newest-lines.js';
import type { Notices } from './notices.js';
import type { Row, Snapshot } from './view/frame.js';
import type { Screen } from './view/screen.js';

export interface ShowOptions {
  readonly screen: Screen;
  readonly service: Pick<Service, 'containers' | 'ledger'>;
  readonly tally: LiveTally;
  readonly newest: NewestLines;
  readonly notices: Notices;
  readonly pushes: () => PushTotals;
  readonly clock: Clock;
}

/** Shows what is collected, picture after picture. */
export class Show {
  /** What goes on. */
  phase = '';
  readonly #options: ShowOptions;
  readonly #sampler: ResourceSampler;
  readonly #begun: number;
  #before: { readonly at: number; readonly lines: number };

  constructor(options: ShowOptions) {
    const { clock, service, pushes } = options;
    this.#options = options;
    this.#begun = clock.monotonic();
    this.#before = { at: this.#begun, lines: 0 };
    this.#sampler = new ResourceSampler({ clock, pushes, engineSockets: () => service.ledger.open });
  }

  /** Until the signal aborts; then once more, so that the last picture is the whole one. */
  async run(signal: AbortSignal): Promise<void> {
    const { screen, clock } = this.#options;
    try {
      while (!signal.aborted) {
        await clock.sleep(screen.every, signal).catch(() => undefined);
        screen.show(await this.#look());
      }
    } finally {
      this.#sampler.close();
      screen.close();
    }
  }

  async #look(): Promise<Snapshot> {
    const { service, tally, notices, clock } = this.#options;
    const { pushes, fds, rss } = await this.#sampler.sample();
    const now = clock.monotonic();
    const { lines, polls, gaps } = tally;
    const seconds = Math.max((now - this.#before.at) / 1000, 0.001);
    const rate = (lines - this.#before.lines) / seconds;
    this.#before = { at: now, lines };
    return {
      seconds: (now - this.#begun) / 1000,
      phase: this.phase,
      rows: service
        .containers()
        .map((container) => this.#row(container))
        .sort(byName),
      lines,
      rate,
      polls,
      pushes: pushes.tried,
      gaps,
      sockets: service.ledger.open,
      mostSockets: service.ledger.peak,
      fds,
      memory: rss,
      notice: notices.last.at(-1),
      notices: notices.count,
    };
  }

  #row({ id, name, state, life, lag_seconds: lag, last_error: error }: ContainerStatus): Row {
    const { tally, newest } = this.#options;
    return {
      name,
      state: STATES[life] ?? state,
      ...tally.of(id),
      lag: life === 'active' ? (lag ?? undefined) : undefined,
      newest: newest.of(id),
      trouble: error ?? undefined,
    };
  }
}

/** What is known better than the list knew it when it was asked last. */
const STATES: Readonly<Record<string, string>> = {
  drained: 'exited',
  gone: 'removed',
  unreadable: 'unreadable',
  unlogged: 'no log',
};

function byName(a: Row, b: Row): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
