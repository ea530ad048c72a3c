import { EVENT_RING } from '../../../src/simulators/engine/index.js';
import { CONTAINER_KINDS } from '../../support/faults/talkers.js';
import type { ChaosWorld } from '../world.js';
import type { Action } from './action.js';

/** Names that guests take turns in. */
const GUEST_NAMES = 8;

/** Containers come and go, restart, and change their names. */
export const LIVES: readonly Action[] = [
  {
    name: 'a container comes to go',
    side: 'containers',
    weight: 8,
    act: (world) => {
      const { crowd, dice } = world;
      const kind = dice.pick(CONTAINER_KINDS);
      const guest = crowd.invite(kind, `guest-${dice.between(1, GUEST_NAMES)}`);
      const [words, stays, lies] = [
        dice.between(0, 3),
        dice.between(0, 120),
        dice.pick([0, 10, 60, 150, 300]),
      ];
      if (guest === undefined) return undefined;
      for (let time = 0; time < words; time++) guest.talker.speak();
      world.later(stays, () => {
        guest.talker.finish();
        world.note(`${guest.name} ends`);
        world.later(lies, () => {
          world.note(`${guest.name} is removed`);
          crowd.dismiss(guest);
        });
      });
      return `${guest.name} comes (${kind}), for ${stays} steps, and is removed ${lies} steps later`;
    },
  },
  {
    name: 'a container is gone as soon as it was there',
    side: 'containers',
    weight: 2,
    act: ({ crowd, dice }) => {
      const kind = dice.pick(CONTAINER_KINDS);
      const guest = crowd.invite(kind, `guest-${dice.between(1, GUEST_NAMES)}`);
      if (guest === undefined) return undefined;
      guest.talker.speak();
      crowd.dismiss(guest);
      return `${guest.name} comes (${kind}) and goes`;
    },
  },
  {
    name: 'a container restarts',
    side: 'containers',
    weight: 4,
    act: ({ crowd }) => {
      const member = crowd.someone();
      member?.talker.container.restart();
      return member && `${member.name} restarts`;
    },
  },
  {
    name: 'a container dies, and is started later',
    side: 'containers',
    weight: 3,
    act: (world) => {
      const { crowd, dice } = world;
      const member = crowd.someone();
      const steps = dice.between(1, 60);
      if (member === undefined) return undefined;
      const { container } = member.talker;
      container.die(1);
      world.later(steps, () => {
        if (!container.running && !container.removed && container.state === 'exited') container.start();
      });
      return `${member.name} dies for ${steps} steps`;
    },
  },
  {
    name: 'a container is renamed',
    side: 'containers',
    weight: 2,
    act: ({ crowd, engine, dice, step }) => {
      const member = crowd.someone();
      const back = dice.chance(0.5);
      if (member === undefined) return undefined;
      const { container } = member.talker;
      const name = back && engine.find(member.name) === undefined ? member.name : `${member.name}-${step}`;
      const old = container.name;
      container.rename(name);
      return `${old} is renamed to ${name}`;
    },
  },
  {
    name: 'a container is removed, and made anew under its name',
    side: 'containers',
    weight: 3,
    act: ({ crowd, engine }) => {
      const member = crowd.someone();
      if (member === undefined || isTaken(member.name, member.talker.container.id, engine)) return undefined;
      crowd.recreate(member);
      return `${member.name} is made anew`;
    },
  },
  {
    name: 'a removal takes long, and its name is taken meanwhile',
    side: 'containers',
    weight: 1,
    act: (world) => {
      const { crowd, engine, dice } = world;
      const member = crowd.someone();
      const steps = dice.between(5, 80);
      const state = dice.pick(['removing', 'dead'] as const);
      if (member === undefined || isTaken(member.name, member.talker.container.id, engine)) return undefined;
      const { container } = member.talker;
      crowd.beginRemoval(container, state);
      crowd.replace(member);
      world.later(steps, () => {
        world.note(`${container.name}, the old one, is gone`);
        crowd.remove(container);
      });
      return `${member.name} is ${state} for ${steps} steps, and made anew`;
    },
  },
  {
    name: 'events crowd the ring',
    side: 'Engine',
    weight: 1,
    act: ({ engine, sight, dice }) => {
      const events = dice.pick([EVENT_RING / 2, EVENT_RING + 50]);
      for (let i = 0; i < events; i++) engine.publishEvent('network', 'connect', `network ${i}`);
      sight.blink();
      return `${events} events at once`;
    },
  },
];

/** By another container than this one: it was renamed, and one came meanwhile. */
function isTaken(name: string, id: string, engine: ChaosWorld['engine']): boolean {
  const holder = engine.containers.find(
    (container) => container.name === name && !['removing', 'dead'].includes(container.state),
  );
  return holder !== undefined && holder.id !== id;
}
