import { configurationPart } from '../../../../src/commands/check/configuration.js';
import { hostNotice } from '../../../../src/commands/wiring/pipeline-settings.js';
import { configSchema } from '../../../../src/config/schema.js';

const ID = '3f2a9c01d4e5'.padEnd(64, '0');
const IN_CONTAINER = {
  cgroup: '0::/',
  mountinfo: `600 580 8:1 /var/lib/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw`,
  hostname: '3f2a9c01d4e5',
};

describe('a label host that is the id of our own container', () => {
  test('is warned of, with the setting and the option of docker run', () => {
    const notice = hostNotice(configSchema.parse({}), IN_CONTAINER);
    expect(notice).toEqual({
      code: 'host_is_container_id',
      message: expect.stringContaining('the label host is 3f2a9c01d4e5, the id of'),
      hint: expect.stringMatching(/collector\.host.*docker run --hostname/),
      setting: 'collector.host',
    });
    const loaded = { config: configSchema.parse({}), file: undefined, origins: new Map(), oldNames: [] };
    expect(configurationPart(loaded, notice).warnings).toEqual([notice]);
    expect(configurationPart(loaded).warnings).toEqual([]);
  });

  test.each([
    ['a host name', {}, { ...IN_CONTAINER, hostname: 'web-1' }],
    ['collector.host', { collector: { host: 'web-1' } }, IN_CONTAINER],
    ['no label host', { labels: { drop: ['host'] } }, IN_CONTAINER],
    ['no container', {}, { cgroup: '0::/init.scope', mountinfo: '', hostname: 'web-1' }],
  ])('is not there with %s', (_, settings, traces) => {
    expect(hostNotice(configSchema.parse(settings), traces)).toBeUndefined();
  });
});
