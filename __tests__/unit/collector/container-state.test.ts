import { containerRef, newContainerState } from '../../../src/collector/container-state.js';
import type { InspectedContainer } from '../../../src/model/container.js';

test('a renamed container has the name that the list shows, not the one it had when it was inspected', () => {
  const listed = { id: 'a', name: 'new', image: 'i', labels: {}, state: 'running', created: 1n };
  const inspected: InspectedContainer = {
    name: 'old',
    tty: true,
    logDriver: 'local',
    startedAt: 2n,
    finishedAt: 0n,
    running: true,
  };
  const ref = containerRef(newContainerState(listed, undefined, false, 0), inspected);
  expect(ref).toEqual({ ...inspected, ...listed });
  expect(ref.name).toBe('new');
});
