import { containerIdAsHost } from '../../../src/pipeline/host-label.js';

const ID = '3f2a9c01d4e5'.padEnd(64, '0');

describe('the label host', () => {
  test('is the id of the container where nobody gave a name', () => {
    expect(containerIdAsHost(undefined, '3f2a9c01d4e5', ID)).toBe('3f2a9c01d4e5');
    // All that is known of the container may be its host name.
    expect(containerIdAsHost(undefined, '3f2a9c01d4e5', '3f2a9c01d4e5')).toBe('3f2a9c01d4e5');
  });

  test.each([
    ['that is set', 'web-1', '3f2a9c01d4e5', ID],
    ['that is set to the same', '3f2a9c01d4e5', '3f2a9c01d4e5', ID],
    ['of a container with a host name', undefined, 'web-1', ID],
    ['of a container with the host name of another', undefined, 'c0ffee000000', ID],
    ['of a machine', undefined, 'web-1', undefined],
    ['of a machine that is named so', undefined, '3f2a9c01d4e5', undefined],
  ])('is no id: %s', (_, configured, hostname, ownId) => {
    expect(containerIdAsHost(configured, hostname, ownId)).toBeUndefined();
  });
});
