import { seeCursors } from '../../src/cursors/read-cursors.js';
import type { EngineProfileName } from '../../src/simulators/engine/index.js';
import { accountsOf, type ContainerAccount } from '../support/collecting/index.js';
import type { ChaosCollector } from './collector.js';
import { verified, type Verified } from './verified.js';
import type { ChaosWorld } from './world.js';

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

/** For so long a container may be taken for removed after it was denied, and not be looked for again, ms. */
const DENIED_MS = 5000;
/** So much before and after a line that is a finding is told of, ms. */
const AROUND_MS = 2000;

/**
 * Holds a run to account, when all is drained and the collector stopped.
 *
 * @param folder for the report of `verify`
 */
export async function resultOf(
  world: ChaosWorld,
  folder: string,
): Promise<Omit<ChaosResult, 'profile' | 'seed' | 'seconds'>> {
  const { engine, loki, collector, sight, log } = world;
  const named = namedAsMissed(world);
  const isNamed = (id: string): boolean => [...named.values()].some((ids) => ids.has(id));
  const { cursors } = await seeCursors(collector.stateDir);
  const accounts = await accountsOf({
    engine,
    loki,
    rejectedFile: collector.rejectedFile,
    mayLack: (id) => isNamed(id) || sight.isUnseen(id),
    places: new Map(cursors.map((cursor) => [cursor.containerId, cursor])),
    neverSeen: (line) => world.isOutrun(line),
    destructions: (id) => world.destructions(id),
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

/** Containers that were named as missed when they were gone, by the reason that was told. */
function namedAsMissed({ collector, crowd, sight }: ChaosWorld): Map<string, Set<string>> {
  const ids = [...crowd.everyContainer.keys()];
  const named = new Map<string, Set<string>>();
  for (const { id, reason, heardAt } of collector.named) {
    const container = ids.find((each) => each.startsWith(id));
    const removedAt = container === undefined ? undefined : sight.removedAt(container);
    // That it was told before, of one that the Engine denied for a while, is no excuse when it is gone long after.
    if (container === undefined || removedAt === undefined || heardAt < removedAt - DENIED_MS) continue;
    named.set(reason, (named.get(reason) ?? new Set()).add(container));
  }
  return named;
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
