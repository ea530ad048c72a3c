import { describe, expect, test } from '@jest/globals';
import { mountOf } from '../../../src/cursors/mount-info.js';
import { readStateFacts, stateNotices, type StateFacts } from '../../../src/cursors/state-notices.js';

const MOUNTS = [
  '900 800 0:60 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c',
  '901 900 0:62 / /proc rw,nosuid - proc proc rw',
  '902 900 0:63 / /dev rw - tmpfs tmpfs rw',
  '903 900 8:1 /var/lib/docker/volumes/pollard/_data /var/lib/pollard rw,relatime - ext4 /dev/sda1 rw',
  `904 900 8:1 /var/lib/docker/volumes/${'ab'.repeat(32)}/_data /anonymous rw - ext4 /dev/sda1 rw`,
  '905 900 8:2 / /with\\040blank rw shared:7 master:3 - xfs /dev/sdb rw',
  '906 903 0:70 / /var/lib/pollard rw - btrfs /dev/sdc rw',
].join('\n');

const facts = (path: string, change: Partial<StateFacts> = {}): StateFacts => ({
  path,
  mode: 0o700,
  containerMark: true,
  mount: mountOf(MOUNTS, path),
  rootType: 'overlay',
  ...change,
});
const codes = (of: StateFacts): string[] => stateNotices(of).map(({ code }) => code);

describe('the mount that a path lies on', () => {
  test.each([
    ['/', '/', 'overlay'],
    ['/etc/pollard', '/', 'overlay'],
    ['/var/lib/pollard-2', '/', 'overlay'],
    ['/dev/shm/state', '/dev', 'tmpfs'],
    ['/with blank/state', '/with blank', 'xfs'],
    // The later mount covers the earlier one.
    ['/var/lib/pollard/x', '/var/lib/pollard', 'btrfs'],
  ])('%s', (path, point, type) => {
    expect(mountOf(MOUNTS, path)).toMatchObject({ point, type });
  });

  test('lines that are none are passed over', () => {
    expect(mountOf('\nnonsense\n1 2 3 / / rw\n', '/x')).toBeUndefined();
  });
});

describe('a state directory', () => {
  test('in the container’s own file system: state would be lost', () => {
    const [notice] = stateNotices(facts('/opt/pollard/state'));
    expect(notice).toMatchObject({ code: 'state_not_on_a_volume' });
    expect(notice?.message).toContain('state would be lost');
    expect(notice?.hint).toContain('mount a named volume');
    expect(codes(facts('/opt/pollard/state', { containerMark: false }))).toEqual(['state_not_on_a_volume']);
  });

  test('on the root file system of a machine is fine', () => {
    expect(codes(facts('/srv/state', { containerMark: false, rootType: 'ext4' }))).toEqual([]);
  });

  test('on a named volume is fine, on one without a name it is not', () => {
    expect(codes(facts('/var/lib/pollard'))).toEqual([]);
    expect(codes(facts('/anonymous/state'))).toEqual(['state_on_anonymous_volume']);
  });

  test('in memory, or writable by others', () => {
    expect(codes(facts('/dev/state', { containerMark: false, rootType: 'ext4' }))).toEqual([
      'state_on_tmpfs',
    ]);
    expect(codes(facts('/var/lib/pollard', { mode: 0o770 }))).toEqual(['state_writable_by_others']);
    expect(codes(facts('/var/lib/pollard', { mode: 0o755 }))).toEqual([]);
  });

  test('is looked up on this machine', async () => {
    const found = await readStateFacts('/');
    expect(found.path).toBe('/');
    expect(found.mount?.point).toBe('/');
    expect(found.mount?.type).toBe(found.rootType);
    await expect(readStateFacts('/does/not/exist')).resolves.toMatchObject({ path: '/does/not/exist' });
  });
});
