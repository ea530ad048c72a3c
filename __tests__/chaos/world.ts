import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/model/system-clock.js';
import {
  seededRandom,
  startEngineSimulator,
  type EngineProfileName,
  type EngineSimulator,
  type WrittenLine,
} from '../../src/simulators/engine/index.js';
import { startLokiSimulator, type LokiSimulator } from '../../src/simulators/loki/index.js';
import type { Destruction } from '../support/collecting/index.js';
import { ChaosCollector } from './collector.js';
import { Crowd } from './crowd.js';
import { Dice } from './dice.js';
import { SetClock } from './set-clock.js';
import { Sight } from './sight.js';
import { StepLog } from './step-log.js';

const KIB = 1024;
/** So seldom an Engine is asked that refuses the list or the events, ms: see SLOW_INTERVAL of the discovery. */
const SLOW_LOOK_MS = 5000;

interface Pending {
  readonly step: number;
  readonly act: () => void | Promise<void>;
}

/** A collector between an Engine and a Loki that both go wrong; all that actions may lay hands on. */
export class ChaosWorld {
  readonly engine: EngineSimulator;
  readonly loki: LokiSimulator;
  readonly clock: SetClock;
  readonly collector: ChaosCollector;
  readonly crowd: Crowd;
  readonly dice: Dice;
  readonly sight: Sight;
  readonly log: StepLog;
  /** How often each action was taken, by its name. */
  readonly taken = new Map<string, number>();
  step = 0;
  /** Until this step, containers write and nothing else happens. */
  calmUntil = 0;
  daemonAway = false;
  lokiAway = false;
  #pending: Pending[] = [];
  /** What keeps the collector from seeing containers come and go. */
  #veils = 0;
  /** A collector whose questions the Engine refused has asked again by then, monotonic ms. */
  #askedAgainAt = 0;
  #downSince = performance.now();
  /** Where the log of each container began when there first was a place in it, by its id. */
  readonly #begins = new Map<string, number>();
  readonly #spoilt = new Map<string, Destruction[]>();

  private constructor(
    engine: EngineSimulator,
    loki: LokiSimulator,
    clock: SetClock,
    collector: ChaosCollector,
    dice: Dice,
  ) {
    this.engine = engine;
    this.loki = loki;
    this.clock = clock;
    this.collector = collector;
    this.dice = dice;
    this.sight = new Sight();
    this.log = new StepLog(clock);
    this.crowd = new Crowd(engine, dice, this.sight);
  }

  /** @param folder of its own */
  static async open(profile: EngineProfileName, seed: number, folder: string): Promise<ChaosWorld> {
    mkdirSync(folder, { recursive: true });
    const clockFile = join(folder, 'clock');
    const clock = new SetClock(clockFile);
    // What the simulators decide depends on when they are asked: that must not change what is decided here.
    const random = seededRandom(seed + 1);
    const engine = await startEngineSimulator({
      profile,
      clock,
      random,
      socketPath: join(folder, 'docker.sock'),
    });
    const loki = await startLokiSimulator({
      clock: systemClock,
      random,
      keepRequests: 100,
      // Tighter than what the collector expects: so that Loki refuses lines, and asks to be spared.
      limits: {
        maxLineBytes: 64 * KIB,
        ingestionRateBytes: 1024 * KIB,
        ingestionBurstBytes: 2048 * KIB,
        perStreamRateBytes: 256 * KIB,
        perStreamBurstBytes: 512 * KIB,
        shardStreams: false,
      },
      gateway: { maxBodyBytes: 80 * KIB },
    });
    const collector = new ChaosCollector({
      folder,
      socketPath: engine.socketPath,
      lokiUrl: loki.url,
      clockFile,
    });
    return new ChaosWorld(engine, loki, clock, collector, new Dice(seed));
  }

  /** Does something so many steps later, at the latest when the run ends. */
  later(steps: number, act: () => void | Promise<void>): void {
    this.#pending.push({ step: this.step + steps, act });
  }

  /** Containers may come and go unseen from now on, for so many steps. */
  veil(steps: number): void {
    this.#veils++;
    this.later(steps, () => {
      this.#veils--;
      this.#askedAgainAt = performance.now() + SLOW_LOOK_MS;
    });
  }

  /** What was put off to this step or an earlier one. */
  async due(upTo = this.step): Promise<void> {
    const due = this.#pending.filter(({ step }) => step <= upTo);
    this.#pending = this.#pending.filter(({ step }) => step > upTo);
    for (const { act } of due) await act();
    this.look();
  }

  /** Everything put off is done now, also what comes of that. */
  async settle(): Promise<void> {
    while (this.#pending.length > 0) await this.due(Infinity);
  }

  /** Entries of a container are destroyed, by their numbers in its log, both included. */
  spoils(containerId: string, first: number, last: number): void {
    const next = this.crowd.everyContainer.get(containerId)?.log.nextSequence ?? last + 1;
    this.#spoilt.set(containerId, [...this.destructions(containerId), { first, last, next }]);
  }

  /** What was destroyed of a container's log, in the order in which it was. */
  destructions(containerId: string): readonly Destruction[] {
    return this.#spoilt.get(containerId) ?? [];
  }

  wasSpoilt(containerId: string): boolean {
    return this.#spoilt.has(containerId);
  }

  note(what: string): void {
    this.log.note(this.step, what);
  }

  look(): void {
    this.collector.look();
    for (const id of this.collector.cursors()) {
      if (!this.#begins.has(id) && this.collector.hasPlace(id)) this.#begins.set(id, this.#beginOf(id));
    }
    for (const { talker } of this.crowd.everybody) {
      const { id, running } = talker.container;
      this.sight.stands(id, { running, cursor: this.collector.cursorOf(id) });
    }
    const isVeiled = this.#veils > 0 || performance.now() < this.#askedAgainAt;
    this.sight.look(this.collector.collecting && !isVeiled && !this.daemonAway);
    if (this.sight.isClear) this.sight.hasLooked(this.collector.cursors());
  }

  /**
   * Whether a line was rotated away before there was a place in its container's log: a log that is read for the first
   * time, or was empty before, does not tell what it once had, unless its bounds are known. Or it was destroyed in the Engine's files: what was cut out behind the cursor's
   * place leaves no trace.
   */
  isOutrun({ containerId, first, last }: WrittenLine): boolean {
    if (this.destructions(containerId).some((each) => each.first <= last && first <= each.last)) return true;
    return first < (this.#begins.get(containerId) ?? this.#beginOf(containerId));
  }

  /** Starts the collector, knowing what it cannot know. */
  startCollector(): void {
    this.sight.begins(this.#downSince);
    this.collector.start();
    this.note('the collector is started');
  }

  beginCatchUp(): void {
    this.sight.begins(this.#downSince);
    this.collector.beginCatchUp();
    this.note('a catch-up is started');
  }

  async killCollector(): Promise<void> {
    this.#goesDown();
    await this.collector.kill();
  }

  beginStopCollector(): void {
    this.#goesDown();
    this.collector.beginStop();
  }

  async startDaemon(): Promise<void> {
    if (!this.daemonAway) return;
    await this.engine.startDaemon();
    this.daemonAway = false;
    this.note('the daemon is back');
  }

  async stopDaemon(): Promise<void> {
    await this.engine.stopDaemon();
    this.daemonAway = true;
  }

  async close(): Promise<void> {
    this.engine.clearFaults();
    this.loki.clearOutages();
    await this.collector.endCatchUp();
    await this.collector.kill();
    await this.engine.close();
    await this.loki.close();
  }

  /** The number of the first entry of its log, as it is now, or was when it was removed. */
  #beginOf(containerId: string): number {
    return this.crowd.everyContainer.get(containerId)?.log.firstSequence ?? 0;
  }

  #goesDown(): void {
    if (this.collector.asked === 'up') this.#downSince = performance.now();
  }
}
