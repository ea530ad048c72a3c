import type { Endpoint, Fault } from '../../../src/simulators/engine/index.js';
import type { ChaosWorld } from '../world.js';
import type { Action } from './action.js';

/** How long a fault stays at most, in steps. */
const LONGEST = 60;
const DAEMON_ERROR = 'error from daemon in stream: something went wrong';

type MakeFault = (world: ChaosWorld) => Fault;

const places = ({ dice }: ChaosWorld): number => dice.pick([0, 1, 3, 8, 40]);

const LOGS_FAULTS: readonly MakeFault[] = [
  (world) => ({ kind: 'reset', afterPieces: places(world), insidePiece: world.dice.chance(0.5) }),
  (world) => ({ kind: 'truncate', afterPieces: places(world) }),
  (world) => ({
    kind: 'daemon_error',
    afterPieces: places(world),
    message: DAEMON_ERROR,
    swallows: world.dice.between(0, 3),
  }),
  (world) => ({ kind: 'drip', bytes: world.dice.between(100, 2000), everyMs: 2 }),
  (world) => ({ kind: 'scatter', maxBytes: world.dice.pick([3, 100, 5000]) }),
  (world) => ({ kind: 'huge_frame', afterPieces: places(world) }),
  (world) => ({ kind: 'stall', afterPieces: places(world) }),
  () => ({ kind: 'never_ends' }),
  () => ({ kind: 'hang_after_header' }),
  () => ({ kind: 'hang_before_header' }),
  () => ({ kind: 'refuse' }),
  ({ dice }) => ({ kind: 'delay', ms: dice.between(50, 800) }),
  ({ dice }) => ({ kind: 'status', status: dice.pick([400, 404, 409, 500, 503]) }),
];

const OTHER_FAULTS: readonly MakeFault[] = [
  ({ dice }) => ({ kind: 'delay', ms: dice.between(50, 1500) }),
  () => ({ kind: 'hang_before_header' }),
  () => ({ kind: 'hang_after_header' }),
  () => ({ kind: 'refuse' }),
  // Not 403: a collector that starts and is refused as a whole ends with that, as it should.
  ({ dice }) => ({ kind: 'status', status: dice.pick([404, 500, 503]) }),
  () => ({ kind: 'truncate', afterPieces: 0 }),
  () => ({ kind: 'reset', afterPieces: 0, insidePiece: true }),
];

const OTHER_ENDPOINTS: readonly Endpoint[] = ['list', 'inspect', 'events', 'ping', 'version'];

/** The Engine answers badly, slowly, or not at all. */
export const ENGINE: readonly Action[] = [
  {
    name: 'the logs of a container are answered badly',
    side: 'Engine',
    weight: 10,
    act: (world) => {
      const { dice, engine, crowd } = world;
      const fault = dice.pick(LOGS_FAULTS)(world);
      const [times, steps] = [dice.between(1, 6), dice.between(10, LONGEST)];
      const member = crowd.someone();
      if (member === undefined) return undefined;
      const { id } = member.talker.container;
      world.later(steps, engine.fault({ endpoint: 'logs', container: id, times }, fault));
      return `logs of ${member.name}: ${shown(fault)}, ${times} times`;
    },
  },
  {
    name: 'all logs are answered badly now and then',
    side: 'Engine',
    weight: 4,
    act: (world) => {
      const { dice, engine } = world;
      const fault = dice.pick(LOGS_FAULTS)(world);
      const [chance, steps] = [dice.pick([0.1, 0.3, 1]), dice.between(5, LONGEST)];
      world.later(steps, engine.fault({ endpoint: 'logs', chance }, fault));
      return `logs of all: ${shown(fault)}, with a chance of ${chance} for ${steps} steps`;
    },
  },
  {
    name: 'logs of a container cannot be read (501) until it starts',
    side: 'Engine',
    weight: 1,
    act: (world) => {
      const { dice, engine, crowd } = world;
      const steps = dice.between(10, LONGEST);
      const member = crowd.someone();
      if (member === undefined) return undefined;
      const { container } = member.talker;
      const lift = engine.fault(
        { endpoint: 'logs', container: container.id },
        { kind: 'status', status: 501 },
      );
      world.later(steps, () => {
        lift();
        if (container.running) container.restart();
      });
      return `logs of ${member.name}: 501 for ${steps} steps`;
    },
  },
  {
    name: 'list, inspect, events, ping or version are answered badly',
    side: 'Engine',
    weight: 6,
    act: (world) => {
      const { dice, engine } = world;
      const endpoint = dice.pick(OTHER_ENDPOINTS);
      const fault = dice.pick(OTHER_FAULTS)(world);
      const [chance, steps] = [dice.pick([0.3, 1]), dice.between(5, LONGEST)];
      world.later(steps, engine.fault({ endpoint, chance }, fault));
      world.veil(steps);
      return `${endpoint}: ${shown(fault)}, with a chance of ${chance} for ${steps} steps`;
    },
  },
  {
    name: 'the daemon restarts',
    side: 'Engine',
    weight: 1.5,
    act: async ({ dice, engine, sight, daemonAway }) => {
      const liveRestore = dice.chance(0.5);
      if (daemonAway) return undefined;
      await engine.restartDaemon({ liveRestore });
      sight.blink();
      return `the daemon restarts, its containers ${liveRestore ? 'run on' : 'with it'}`;
    },
  },
  {
    name: 'the daemon is away for a while',
    side: 'Engine',
    weight: 1.5,
    act: async (world) => {
      const steps = world.dice.between(3, LONGEST);
      if (world.daemonAway) return undefined;
      await world.stopDaemon();
      world.later(steps, () => world.startDaemon());
      return `the daemon is away for ${steps} steps`;
    },
  },
  {
    name: 'a log is rotated',
    side: 'Engine',
    weight: 2,
    act: ({ crowd }) => {
      const member = crowd.residents.find(({ kind }) => kind === 'rotating');
      if (member === undefined || member.talker.container.removed) return undefined;
      member.talker.container.log.rotate();
      return `the log of ${member.name} is rotated`;
    },
  },
];

function shown({ kind, ...more }: Fault): string {
  const details = Object.entries(more)
    .filter(([name]) => name !== 'message')
    .map(([name, value]) => `${name} ${String(value)}`);
  return [kind.replaceAll('_', ' '), ...details].join(', ');
}
