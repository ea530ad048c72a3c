import type { BodyFault, Endpoint, Fault as EngineFault } from '../../../src/simulators/engine/index.js';
import type { CollectingWorld } from '../collecting/index.js';
import { until } from '../until.js';
import type { Fault, Harm, Strike } from './fault.js';
import type { Talker } from './talkers.js';

/** After how many pieces of an answer something happens: at once, among what was read before, and behind it. */
const PLACES = [0, 1, 3, 8, 40] as const;

/** Lays faults on the logs of each container, each for one request, one after the other. */
function onLogs(name: string, faults: readonly EngineFault[]): Fault {
  return {
    name: `logs: ${name}`,
    harm: 'none',
    strike: (world, talkers) => strikeLogs(world, talkers, faults),
  };
}

/** The same fault at several places of an answer. */
function atPlaces(name: string, faultAt: (afterPieces: number) => BodyFault): Fault {
  return onLogs(
    name,
    PLACES.map((place) => faultAt(place)),
  );
}

function strikeLogs(
  world: CollectingWorld,
  talkers: readonly Talker[],
  faults: readonly EngineFault[],
): Strike {
  const { engine } = world;
  const before = engine.faultsStruck;
  for (const { container } of talkers) {
    for (const fault of faults) engine.fault({ endpoint: 'logs', container: container.id, times: 1 }, fault);
  }
  return {
    struck: () => engine.faultsStruck >= before + talkers.length * faults.length,
    lift: () => engine.clearFaults(),
  };
}

/** Lays a fault on another endpoint, for so many requests. `begin` makes the collector ask there. */
function on(
  endpoint: Exclude<Endpoint, 'logs'>,
  name: string,
  fault: EngineFault,
  begin: (world: CollectingWorld, talkers: readonly Talker[]) => void | Promise<void> = () => undefined,
): Fault {
  const times = 2;
  return {
    name: `${endpoint}: ${name}`,
    harm: 'none',
    strike: async (world, talkers) => {
      const { engine } = world;
      const before = engine.faultsStruck;
      engine.fault({ endpoint, times }, fault);
      await begin(world, talkers);
      return { struck: () => engine.faultsStruck >= before + times, lift: () => engine.clearFaults() };
    },
  };
}

/** A container is inspected again when it was started. */
const restartAll = (_world: CollectingWorld, talkers: readonly Talker[]): void => {
  for (const { container } of talkers) container.restart();
};
const restartDaemon = async ({ engine }: CollectingWorld): Promise<void> => await engine.restartDaemon();
/** Long enough for the collector to meet with it: it then agrees on the version anew. */
const stopForAWhile = async ({ engine, health }: CollectingWorld): Promise<void> => {
  const isHealthy = (): boolean => health.report().parts.engine.state === 'healthy';
  // It may have been slow a moment ago: that is no news of this.
  await until('nothing is wrong with the Engine', isHealthy);
  await engine.stopDaemon();
  await until('it is noticed', () => !isHealthy());
  await engine.startDaemon();
};

/** Something is done to each container or to the daemon, and seen by the collector before it goes on. */
function done(
  name: string,
  harm: Harm,
  act: (world: CollectingWorld, talkers: readonly Talker[]) => void | Promise<void>,
  more: Partial<Pick<Fault, 'containers' | 'quiet'>> & { readonly lift?: typeof act } = {},
): Fault {
  const { lift = () => undefined, ...rest } = more;
  return {
    ...rest,
    name,
    harm,
    strike: async (world, talkers) => {
      await act(world, talkers);
      const { engine } = world;
      const before = engine.requests.count('logs');
      // A few rounds of polls under it.
      return {
        struck: () => engine.requests.count('logs') >= before + 4 * talkers.length,
        lift: () => lift(world, talkers),
      };
    },
  };
}

const BODY_FAULTS: readonly Fault[] = [
  atPlaces('reset between two pieces', (afterPieces) => ({ kind: 'reset', afterPieces })),
  atPlaces('reset inside of a piece', (afterPieces) => ({ kind: 'reset', afterPieces, insidePiece: true })),
  atPlaces('truncated', (afterPieces) => ({ kind: 'truncate', afterPieces })),
  atPlaces("the daemon's error", (afterPieces) => ({
    kind: 'daemon_error',
    afterPieces,
    message: 'error from daemon in stream: something went wrong',
  })),
  atPlaces("the daemon's error, which swallows good lines", (afterPieces) => ({
    kind: 'daemon_error',
    afterPieces,
    message: 'error from daemon in stream: something went wrong',
    swallows: 3,
  })),
  onLogs('a few bytes at a time', [{ kind: 'drip', bytes: 700, everyMs: 2 }]),
  onLogs('cut anywhere', [
    { kind: 'scatter', maxBytes: 3 },
    { kind: 'scatter', maxBytes: 100 },
    { kind: 'scatter', maxBytes: 5000 },
  ]),
  atPlaces('a frame of 4 GiB', (afterPieces) => ({ kind: 'huge_frame', afterPieces })),
  {
    ...onLogs('a line without end', [
      { kind: 'endless_line', afterPieces: 0 },
      { kind: 'endless_line', afterPieces: 1000 },
    ]),
    madeUp: /^x+$/,
    // What it makes up is not in the log afterwards, and that is told.
    harm: 'destroys',
    world: {
      settings: { poll: { deadline: '1s' } },
      // The log is then sent again from its beginning. A Loki that has divided the stream for so much that was made up
      // puts that into other shards, and folds nothing (distributor.go, shardStream).
      loki: { limits: { shardStreams: false } },
    },
  },
  onLogs('a stall in the middle', [{ kind: 'stall', afterPieces: 2 }]),
  onLogs('a stall behind all', [{ kind: 'stall', afterPieces: 1000 }]),
  onLogs('an answer that does not end', [{ kind: 'never_ends' }]),
  onLogs('a hang after the header', [{ kind: 'hang_after_header' }]),
];

const ANSWER_FAULTS: readonly Fault[] = [
  onLogs('a hang before the header', [{ kind: 'hang_before_header' }]),
  onLogs('the connection is closed', [{ kind: 'refuse' }, { kind: 'refuse' }, { kind: 'refuse' }]),
  onLogs('late answers', [
    { kind: 'delay', ms: 100 },
    { kind: 'delay', ms: 400 },
  ]),
  ...[404, 409, 500].map((status) =>
    onLogs(`status ${status}`, [
      { kind: 'status', status },
      { kind: 'status', status },
    ]),
  ),
  {
    name: 'logs: status 501, until the container is started again',
    harm: 'none',
    strike: (world, talkers) => {
      const strike = strikeLogs(world, talkers, [{ kind: 'status', status: 501 }]);
      return { ...strike, lift: () => restartAll(world, talkers) };
    },
  },
];

const OTHER_ENDPOINTS: readonly Fault[] = [
  on('list', 'late, beyond the time allowed', { kind: 'delay', ms: 1500 }),
  on('list', 'a hang before the header', { kind: 'hang_before_header' }),
  on('list', 'the connection is closed', { kind: 'refuse' }),
  on('list', 'status 500', { kind: 'status', status: 500 }),
  on('list', 'truncated', { kind: 'truncate', afterPieces: 0 }),
  on('list', 'reset in the middle', { kind: 'reset', afterPieces: 0, insidePiece: true }),
  on('inspect', 'a hang before the header', { kind: 'hang_before_header' }, restartAll),
  on('inspect', 'the connection is closed', { kind: 'refuse' }, restartAll),
  on('inspect', 'status 404', { kind: 'status', status: 404 }, restartAll),
  on('inspect', 'status 500', { kind: 'status', status: 500 }, restartAll),
  on('inspect', 'truncated', { kind: 'truncate', afterPieces: 0 }, restartAll),
  on('events', 'late, beyond the time allowed', { kind: 'delay', ms: 1500 }, restartAll),
  on('events', 'a hang after the header', { kind: 'hang_after_header' }, restartAll),
  on('events', 'refused by a proxy', { kind: 'status', status: 403 }, restartAll),
  on('events', 'status 500', { kind: 'status', status: 500 }, restartAll),
  on('events', 'truncated', { kind: 'truncate', afterPieces: 0 }, restartAll),
  on('events', 'reset in the middle', { kind: 'reset', afterPieces: 0, insidePiece: true }, restartAll),
  on('ping', 'a hang, of a daemon that was away', { kind: 'hang_before_header' }, stopForAWhile),
  on('ping', 'status 500, of a daemon that was away', { kind: 'status', status: 500 }, stopForAWhile),
];

const LIFE: readonly Fault[] = [
  done('the daemon restarts, with live-restore', 'none', restartDaemon),
  done('the daemon restarts, and its containers with it', 'none', async ({ engine }) => {
    await engine.restartDaemon({ liveRestore: false });
  }),
  {
    name: 'the daemon is away for a while',
    harm: 'none',
    strike: async ({ engine, log }) => {
      await engine.stopDaemon();
      const away = (): boolean => log.messages.some(({ message }) => message.includes('cannot be asked'));
      return { struck: away, lift: async () => await engine.startDaemon() };
    },
  },
  done('each container is renamed', 'none', (_world, talkers) => {
    for (const { container } of talkers) container.rename(`${container.name}-renamed`);
  }),
  // What is rotated away before the first poll is seen by nobody: they say little until then.
  done(
    'each container is made anew under its name',
    'none',
    (_world, talkers) => {
      for (const talker of talkers) {
        talker.recreate();
        talker.speak();
      }
    },
    { quiet: true },
  ),
  done('the ring of events is overrun, while containers restart', 'none', (world, talkers) => {
    restartAll(world, talkers);
    for (let i = 0; i < 400; i++) world.engine.publishEvent('network', 'connect', `network ${i}`);
  }),
];

/** Some Engines read nothing of a log as long as one of its files is spoilt. */
const rotateAway = (_world: CollectingWorld, talkers: readonly Talker[]): void => {
  for (let files = 0; files < 4; files++) {
    for (const talker of talkers) {
      talker.speak();
      talker.container.log.rotate();
    }
  }
};

const LOG_FILES: readonly Fault[] = [
  done('a record of the log is torn', 'destroys', (_world, talkers) => {
    for (const { container } of talkers) container.log.corrupt(-1, 'torn');
  }),
  done('a record of the log is no log line', 'destroys', (_world, talkers) => {
    for (const { container } of talkers) container.log.corrupt(-1, 'wrong_time');
  }),
  ...(['header', 'body'] as const).map((damage) =>
    done(
      `the ${damage} of a compressed file is spoilt`,
      'destroys',
      (_world, talkers) => {
        for (const talker of talkers) {
          talker.speak();
          talker.container.log.rotate();
          talker.container.log.spoilCompressed(1, damage);
        }
      },
      { containers: { rotation: { maxFiles: 4, compress: true } }, lift: rotateAway },
    ),
  ),
];

/** Faults that touch the body of a log or its files, and so what a poll reads. */
export const LOG_FAULTS: readonly Fault[] = [...BODY_FAULTS, ...LOG_FILES];

/** What an Engine may do wrong. */
export const ENGINE_FAULTS: readonly Fault[] = [
  ...BODY_FAULTS,
  ...ANSWER_FAULTS,
  ...OTHER_ENDPOINTS,
  ...LIFE,
  ...LOG_FILES,
];
