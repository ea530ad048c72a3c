import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gapSpan } from '../../src/collector/gap.js';
import { parseStamp } from '../../src/model/nanoseconds.js';
import type { EngineProfileName } from '../../src/simulators/engine/index.js';
import { readAudit, type Audited } from '../support/collector/audited.js';
import { accountsOf, type ContainerAccount } from '../support/collecting/index.js';
import { until } from '../support/until.js';
import { ACTIONS } from './actions/index.js';
import type { ChaosCollector } from './collector.js';
import { ChaosWorld } from './world.js';

export interface ChaosOptions {
  readonly profile: EngineProfileName;
  readonly seed: number;
  /** How long things go wrong; beside it there is time to drain. */
  readonly seconds: number;
  /** Ends it after so many steps, even before. What is decided until then is always the same. */
  readonly steps?: number;
  /** Of its own; it is left as it is. */
  readonly folder: string;
  /** Told how far it is, now and then. */
  readonly say: (text: string) => void;
}

/** What became of the lines of a container, and what happened when they were written. */
export interface Finding {
  readonly id: string;
  readonly account: ContainerAccount;
  readonly around: readonly string[];
}

export interface ChaosResult {
  readonly profile: EngineProfileName;
  readonly seed: number;
  readonly seconds: number;
  readonly steps: number;
  readonly actions: ReadonlyMap<string, number>;
  readonly struck: { readonly engine: number; readonly loki: number };
  readonly collector: Readonly<ChaosCollector['counts']>;
  readonly containers: number;
  readonly lines: Lines;
  readonly missed: {
    /** Containers named as missed, by the reason that was told. */
    readonly named: ReadonlyMap<string, number>;
    /** Containers that came and went while nobody could see. */
    readonly unseen: number;
  };
  /** Containers of which something cannot be explained. */
  readonly findings: readonly Finding[];
  readonly verify: Verified;
  /** What the collector or a simulator did that it must not do. */
  readonly misdeeds: readonly string[];
  /** Each step, for whoever looks for a cause. */
  readonly log: readonly string[];
}

/** What `pollard verify` says of the containers that are still there. */
export interface Verified extends Audited {
  /**
   * Lines that it finds in Loki only and cannot explain, of logs that were never rotated or spoilt. Of others it can be
   * no more than unsure, where lines of another time stand among them.
   */
  readonly strange: number;
  /** Lines that are still to come, of logs that were never spoilt. */
  readonly left: number;
  /**
   * Missing lines that no mark names. Of the others an Engine that answered badly made believe that it could not read
   * them.
   */
  readonly unnamed: number;
}

export interface Lines {
  readonly written: number;
  readonly inLoki: number;
  /** Equal to another one of the same nanosecond. */
  readonly folded: number;
  readonly named: number;
  /** Of these: see ContainerAccount. */
  readonly byStampOnly: number;
  readonly rejected: number;
  /** Of containers that were named as missed, or could be seen by nobody. */
  readonly missed: number;
  /** Rotated away before there was a cursor of their container, or destroyed in the Engine's files. */
  readonly outrun: number;
  readonly twice: number;
  readonly unexplained: number;
  readonly underTwoNames: number;
  readonly gaps: number;
}

const SAY_EVERY_MS = 10_000;
/** The pause between two steps, ms. */
const PAUSE = [10, 120] as const;
/** The chance that a step has an action beside the lines that are written. */
const ACTION_CHANCE = 0.35;
const CALM_CHANCE = 0.01;
const PATIENCE_MS = 180_000;
/** For so long a container may be taken for removed after it was denied, and not be looked for again, ms. */
const DENIED_MS = 5000;
/** So much before and after a line that is a finding is told of, ms. */
const AROUND_MS = 2000;

/** Lets things go wrong for so long, then lifts it all, waits until all is collected, and holds it to account. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { profile, seed, folder } = options;
  const world = await ChaosWorld.open(profile, seed, folder);
  try {
    world.startCollector();
    await goWrong(world, options);
    await drain(world);
    return await resultOf(world, options);
  } finally {
    await world.close();
  }
}

async function goWrong(
  world: ChaosWorld,
  { seconds, steps = Infinity, say, profile }: ChaosOptions,
): Promise<void> {
  const { dice, crowd } = world;
  const begun = performance.now();
  let saidAt = begun;
  while (performance.now() - begun < seconds * 1000 && world.step < steps) {
    world.step++;
    await world.due();
    crowd.talk(dice.between(0, 3));
    if (world.step >= world.calmUntil) {
      if (dice.chance(CALM_CHANCE)) {
        const steps = dice.between(40, 150);
        world.calmUntil = world.step + steps;
        world.log.note(world.step, `calm for ${steps} steps`);
      } else if (dice.chance(ACTION_CHANCE)) await act(world);
    }
    if (performance.now() - saidAt >= SAY_EVERY_MS) {
      saidAt = performance.now();
      say(`Engine ${profile}: ${progress(world, (saidAt - begun) / 1000)}`);
    }
    await delay(dice.between(...PAUSE));
  }
}

async function act(world: ChaosWorld): Promise<void> {
  const action = world.dice.weighted(ACTIONS);
  const done = await action.act(world);
  if (done === undefined) return;
  world.taken.set(action.name, (world.taken.get(action.name) ?? 0) + 1);
  world.log.note(world.step, done);
}

function progress({ step, engine, loki, collector }: ChaosWorld, seconds: number): string {
  const { killed, stopped } = collector.counts;
  const written = engine.containers.reduce((sum, { written: lines }) => sum + lines.length, 0);
  return [
    `${seconds.toFixed(0)} s`,
    `${step} steps`,
    `${written} lines of ${engine.containers.length} containers`,
    `${loki.counts().entries} entries in Loki`,
    `faults ${engine.faultsStruck} + ${loki.outagesStruck}`,
    `${killed} kills, ${stopped} stops`,
    `${collector.named.length} missed`,
  ].join(', ');
}

/** All faults are lifted, all containers end, and the collector has all the time it needs. */
async function drain(world: ChaosWorld): Promise<void> {
  const { engine, loki, clock, collector, crowd, log } = world;
  await world.settle();
  engine.clearFaults();
  loki.clearOutages();
  clock.set(0);
  log.note(world.step, 'all faults are lifted');
  if (collector.asked !== 'up') {
    await collector.stopped();
    world.startCollector();
  }
  for (const { talker } of crowd.everybody) {
    const { container } = talker;
    if (!container.running && container.state === 'exited') container.start();
    talker.speak();
    talker.finish();
  }
  const service = await collector.listening();
  let left: unknown = [];
  await until(
    'each container is read to its end',
    async () => {
      world.look();
      const { containers } = await service.status();
      const present = new Map(engine.containers.map(({ id }) => [id.slice(0, 12), id]));
      const open = containers.filter(
        ({ id, life }) => life === 'active' || (present.has(id) && life !== 'drained'),
      );
      const unknown = [...present.keys()].filter((id) => !containers.some((each) => each.id === id));
      left = [...open, ...unknown];
      return open.length === 0 && unknown.length === 0;
    },
    {
      patience: PATIENCE_MS,
      instead: () => left,
      hopeless: () => (service.running ? undefined : service.lastWords()),
    },
  );
  collector.beginStop();
  await collector.stopped();
}

async function resultOf(
  world: ChaosWorld,
  { profile, seed, seconds, folder }: ChaosOptions,
): Promise<ChaosResult> {
  const { engine, loki, collector, sight, log } = world;
  const named = new Map<string, Set<string>>();
  for (const { id, reason, heardAt } of collector.named) {
    const container = [...removedIds(world)].find((each) => each.startsWith(id));
    const removedAt = container === undefined ? undefined : sight.removedAt(container);
    // That it was told before, of one that the Engine denied for a while, is no excuse when it is gone long after.
    if (container === undefined || removedAt === undefined || heardAt < removedAt - DENIED_MS) continue;
    named.set(reason, (named.get(reason) ?? new Set()).add(container));
  }
  const isNamed = (id: string): boolean => [...named.values()].some((ids) => ids.has(id));
  const accounts = await accountsOf({
    engine,
    loki,
    rejectedFile: collector.rejectedFile,
    mayLack: (id) => isNamed(id) || sight.isUnseen(id),
    neverSeen: (line) => world.isOutrun(line),
  });
  const findings: Finding[] = [];
  for (const [id, account] of accounts) {
    if (account.lost + account.unknown + account.twice === 0) continue;
    const { lost, unknown } = account.samples;
    const [sample] = [...lost, ...unknown];
    const around =
      sample === undefined
        ? []
        : log.around(BigInt(sample.seconds) * 1_000_000_000n + BigInt(sample.nanos), AROUND_MS, account.name);
    findings.push({ id, account, around });
  }
  const verify = await verified(world, folder, accounts);
  const unseen = [...accounts].filter(([id, { lacking }]) => lacking && !isNamed(id));
  return {
    profile,
    seed,
    seconds,
    steps: world.step,
    actions: world.taken,
    struck: { engine: engine.faultsStruck, loki: loki.outagesStruck },
    collector: collector.counts,
    containers: accounts.size,
    lines: linesOf([...accounts.values()]),
    missed: {
      named: new Map([...named].map(([reason, ids]) => [reason, ids.size])),
      unseen: unseen.length,
    },
    findings,
    verify,
    misdeeds: [...collector.misdeeds, ...engine.requests.violations],
    log: log.lines,
  };
}

/** A container in the report of `verify`. */
interface Judged {
  readonly container_id: string;
  readonly samples: { readonly missing: readonly { readonly stamp: string }[] };
  readonly status: string;
  readonly streams: Readonly<
    Record<string, { readonly pending: number; readonly loki_only: { readonly unknown: number } }>
  >;
}

/** Runs `pollard verify` against what is there, and keeps its report. */
async function verified(
  world: ChaosWorld,
  folder: string,
  accounts: ReadonlyMap<string, ContainerAccount>,
): Promise<Verified> {
  const { collector, engine } = world;
  // In this process others may be held to account meanwhile, and the Engine answers late.
  const command = collector.command(
    'verify',
    '--json',
    '--samples=10000',
    '--docker-timeout=1m',
    '--loki-timeout=1m',
  );
  const { code } = await command.ended;
  const json = command.stdout;
  if (json === '') throw new Error(`verify printed no report: ${command.lastWords()}`);
  writeFileSync(join(folder, 'verify.json'), json);
  const { containers } = JSON.parse(json) as { readonly containers: readonly Judged[] };
  const readable = containers.filter(
    ({ status, container_id: id }) => status === 'read' && !world.wasSpoilt(id),
  );
  const whole = readable.filter(({ container_id: id }) => engine.find(id)?.log.firstSequence === 0);
  const sum = (of: readonly Judged[], figure: (stream: Judged['streams'][string]) => number): number =>
    of.flatMap(({ streams }) => Object.values(streams)).reduce((total, stream) => total + figure(stream), 0);
  const strange = sum(whole, ({ loki_only: { unknown } }) => unknown);
  const left = sum(readable, ({ pending }) => pending);
  const named = containers.flatMap(({ container_id: id, samples }) => {
    const spans = accounts.get(id)?.marks.map(gapSpan) ?? [];
    return samples.missing.filter(({ stamp }) => {
      const at = parseStamp(stamp) ?? 0n;
      return spans.some((span) => span && span.lastDelivered <= at && at <= span.firstAvailable);
    });
  });
  const audited = readAudit(code, json);
  return { ...audited, strange, left, unnamed: audited.missing - named.length };
}

function* removedIds({ engine }: ChaosWorld): Generator<string> {
  const seen = new Set<string>();
  for (const { containerId } of engine.written()) {
    if (seen.has(containerId)) continue;
    seen.add(containerId);
    yield containerId;
  }
}

function linesOf(accounts: readonly ContainerAccount[]): Lines {
  const sum = (figure: (account: ContainerAccount) => number): number =>
    accounts.reduce((total, account) => total + figure(account), 0);
  const missed = sum(({ behind, lacking }) => (lacking ? behind : 0));
  const outrun = sum(({ behind, lacking }) => (lacking ? 0 : behind));
  return {
    written: sum(({ written }) => written) + missed + outrun,
    inLoki: sum(({ inLoki, twice, unknown }) => inLoki - twice - unknown),
    folded: sum(({ folded }) => folded),
    named: sum(({ named }) => named),
    byStampOnly: sum(({ byStampOnly }) => byStampOnly),
    rejected: sum(({ rejected }) => rejected),
    missed,
    outrun,
    twice: sum(({ twice }) => twice),
    unexplained: sum(({ lost, unknown }) => lost + unknown),
    underTwoNames: sum(({ underTwoNames }) => underTwoNames),
    gaps: sum(({ gaps }) => gaps),
  };
}
