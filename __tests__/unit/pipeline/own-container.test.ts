import fc from 'fast-check';
import { ownContainerId } from '../../../src/pipeline/own-container.js';

const ID = '0123456789abcdef'.repeat(4);
const OTHER = 'fedcba9876543210'.repeat(4);
const NOWHERE = { cgroup: '0::/\n', mountinfo: '', hostname: 'machine\n' };

const mount = (root: string, at: string): string =>
  `512 490 254:1 ${root} ${at} rw,relatime - ext4 /dev/vda1 rw\n`;
const OVERLAY = `490 400 0:52 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A,upperdir=/var/lib/docker/overlay2/${OTHER}/diff\n`;

describe('the container that Pollard runs in', () => {
  test.each([
    ['cgroup v1', `12:pids:/docker/${ID}\n11:memory:/docker/${ID}\n0::/system.slice/containerd.service\n`],
    ['systemd', `0::/system.slice/docker-${ID}.scope\n`],
    ['a cgroup below its own', `0::/system.slice/docker-${ID}.scope/init.scope\n`],
    ['a slice of its own', `1:name=systemd:/my.slice/libpod-${ID}.scope\n`],
    ['an Engine in a container', `4:cpu:/docker/${OTHER}/docker/${ID}\n`],
    ['Kubernetes', `0::/kubepods.slice/kubepods-pod12ab_3.slice/cri-containerd-${ID}.scope\n`],
  ])('by its cgroup: %s', (_what, cgroup) => {
    expect(ownContainerId({ ...NOWHERE, cgroup })).toBe(ID);
  });

  test.each([
    ['/etc/hosts', `/var/lib/docker/containers/${ID}/hosts`],
    ['/etc/hostname', `/data/docker/containers/${ID}/hostname`],
    ['/etc/resolv.conf', `/containers/${ID}/resolv.conf`],
  ])('by what is bound over %s', (at, root) => {
    const mountinfo = OVERLAY + mount('/home', '/data') + mount(root, at);
    expect(ownContainerId({ ...NOWHERE, mountinfo })).toBe(ID);
  });

  test('by the default host name, of which 12 digits are known', () => {
    expect(ownContainerId({ ...NOWHERE, hostname: `${ID.slice(0, 12)}\n` })).toBe(ID.slice(0, 12));
  });

  test('the cgroup is believed before the files and the name of a container whose network is shared', () => {
    const traces = {
      cgroup: `0::/system.slice/docker-${ID}.scope\n`,
      mountinfo: mount(`/var/lib/docker/containers/${OTHER}/hosts`, '/etc/hosts'),
      hostname: OTHER.slice(0, 12),
    };
    expect(ownContainerId(traces)).toBe(ID);
  });

  test.each([
    ['nothing to be read', { cgroup: '', mountinfo: '', hostname: '' }],
    ['a machine', { ...NOWHERE, cgroup: '0::/system.slice/pollard.service\n' }],
    // On the machine itself all containers' mounts are seen.
    [
      'mounts of others',
      { ...NOWHERE, mountinfo: mount('/', `/var/lib/docker/containers/${ID}/mounts/shm`) },
    ],
    ['the layers of an image', { ...NOWHERE, mountinfo: OVERLAY }],
    [
      'the folder of another, mounted',
      { ...NOWHERE, mountinfo: mount(`/var/lib/docker/containers/${OTHER}/hosts`, '/inspect/hosts') },
    ],
    ['a name of digits', { ...NOWHERE, hostname: '0123456789abc' }],
    ['a pod', { ...NOWHERE, cgroup: '0::/kubepods.slice/kubepods-pod0123456789abcdef.slice\n' }],
  ])('is none: %s', (_what, traces) => {
    expect(ownContainerId(traces)).toBeUndefined();
  });

  test('any text: an id or none', () => {
    const any = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(' ', '\n', ':', '/', '0', 'f', ID, 'containers', '.scope') }),
    );
    fc.assert(
      fc.property(any, any, any, (cgroup, mountinfo, hostname) => {
        const id = ownContainerId({ cgroup, mountinfo, hostname });
        if (id !== undefined) expect(id).toMatch(/^(?:[0-9a-f]{12}|[0-9a-f]{64})$/);
      }),
    );
  });
});
