import { expect, test } from '@jest/globals';
import { settling } from '../../../../src/commands/wiring/settling-doubts.js';
import { StreamDoubts } from '../../../../src/loki/stream-doubts.js';
import { TooNewWaits } from '../../../../src/loki/too-new-waits.js';
import { NS_PER_SECOND } from '../../../../src/model/nanoseconds.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { recordingObserver } from '../../../support/recording-observer.js';

const START = 1_700_000_000n * NS_PER_SECOND;
const container = { id: 'a', name: 'web', image: 'i', labels: {}, state: 'running' };

/** An earlier process may have sent lines of any container. */
function setUp(wasThere: (id: string) => boolean) {
  const doubts = new StreamDoubts(true);
  const tooNew = new TooNewWaits({ clock: new ManualClock(), patienceMs: 0 });
  const observer = settling(recordingObserver(), { doubts, tooNew, startedAt: START, wasThere });
  return { doubts, observer };
}

test('nothing of a container that was born since the start was sent before', () => {
  const { doubts, observer } = setUp(() => false);
  observer.discovered({ ...container, created: START + 1n });
  expect(doubts.has('a')).toBe(false);
});

test('a container may have sent lines before where the clock was set back behind its creation', () => {
  // By the clock it is younger than the process. But the first list of the process showed it.
  const { doubts, observer } = setUp((id) => id === 'a');
  observer.discovered({ ...container, created: START + 100n * NS_PER_SECOND });
  expect(doubts.has('a')).toBe(true);
});

test('a container from before the start may have sent lines', () => {
  const { doubts, observer } = setUp(() => false);
  observer.discovered({ ...container, created: START - 1n });
  expect(doubts.has('a')).toBe(true);
});
