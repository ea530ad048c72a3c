import Sequencer from '@jest/test-sequencer';

/** These take longest. Started last, they would be all that runs at the end, on one of the workers. */
const longest = ['integration/faults/', 'integration/collecting/dead-containers', 'integration/chaos/'];

/** Runs the longest files first; the others as jest orders them: failed ones, then by their last duration or size. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const index = longest.findIndex((part) => path.includes(`__tests__/${part}`));
      return index === -1 ? longest.length : index;
    };
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
