import type { CollectorObserver } from '../../collector/observer.js';

/** Who wants to see what is collected, beside figures, health and log. */
export type PollWitness = Partial<
  Pick<CollectorObserver, 'polled' | 'pollFailed' | 'gap' | 'possibleGap' | 'missed'>
>;

/** An observer that tells a witness as well. */
export function witnessed(observer: CollectorObserver, witness: PollWitness): CollectorObserver {
  return {
    ...observer,
    polled: (...told) => {
      observer.polled(...told);
      witness.polled?.(...told);
    },
    pollFailed: (...told) => {
      observer.pollFailed(...told);
      witness.pollFailed?.(...told);
    },
    gap: (...told) => {
      observer.gap(...told);
      witness.gap?.(...told);
    },
    possibleGap: (...gap) => {
      observer.possibleGap(...gap);
      witness.possibleGap?.(...gap);
    },
    missed: (...told) => {
      observer.missed(...told);
      witness.missed?.(...told);
    },
  };
}
