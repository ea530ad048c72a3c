import type { SimulatedContainer } from '../../../src/simulators/engine/index.js';
import type { Action } from './action.js';

/** What is written is destroyed in the Engine's own files. The collector can only name it, and read on behind it. */
export const SPOILS: readonly Action[] = [
  {
    name: 'a record of a log is spoilt',
    side: 'Engine',
    weight: 0.7,
    act: (world) => {
      const { crowd, dice } = world;
      const member = crowd.someone();
      const kind = dice.pick(['torn', 'wrong_time'] as const);
      if (member === undefined || entriesOf(member.talker.container) === 0) return undefined;
      const { id, log } = member.talker.container;
      log.corrupt(-1, kind);
      world.spoils(id, log.nextSequence - 1, log.nextSequence - 1);
      return `the last record of the log of ${member.name} is ${kind}`;
    },
  },
  {
    name: 'a log is emptied by hand',
    side: 'Engine',
    weight: 0.7,
    act: (world) => {
      const member = world.crowd.someone();
      if (member === undefined) return undefined;
      const { container } = member.talker;
      world.spoils(
        container.id,
        container.log.nextSequence - entriesOf(container),
        container.log.nextSequence - 1,
      );
      container.log.truncateByHand();
      return `the log of ${member.name} is emptied`;
    },
  },
  {
    name: 'a compressed file is spoilt',
    side: 'Engine',
    weight: 0.5,
    act: (world) => {
      const { crowd, dice } = world;
      const rotating = crowd.residents.filter(({ kind }) => kind === 'rotating');
      const damage = dice.pick(['header', 'body'] as const);
      const { name, talker } = dice.pick(rotating);
      const { id, log } = talker.container;
      const file = log.files.at(-2);
      if (file?.compressed !== true) return undefined;
      const behind = log.nextSequence - entriesOf(talker.container);
      world.spoils(id, behind - file.entries.length, behind - 1);
      log.spoilCompressed(1, damage);
      return `the ${damage} of a compressed file of ${name} is spoilt`;
    },
  },
];

/** Of the file that is written to. */
function entriesOf({ log }: SimulatedContainer): number {
  return log.files.at(-1)?.entries.length ?? 0;
}
