import { formatStamp, NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';
import type { SimulatedContainer } from './container.js';

/** A line of the list (Engine API, ContainerList). */
export function listJson(container: SimulatedContainer): object {
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.image,
    ImageID: `sha256:${'0'.repeat(64)}`,
    Command: '/bin/sh',
    Created: Number(container.createdNs / NS_PER_SECOND),
    Ports: [],
    Labels: container.labels,
    State: container.state,
    Status: statusText(container),
    HostConfig: { NetworkMode: 'none' },
    NetworkSettings: { Networks: {} },
    Mounts: [],
  };
}

/** What inspect tells (Engine API, ContainerInspect), as far as a collector of logs may look. */
export function inspectJson(container: SimulatedContainer): object {
  return {
    Id: container.id,
    Created: rfc3339Nano(container.createdNs),
    Path: '/bin/sh',
    Args: [],
    State: {
      Status: container.state,
      Running: container.running,
      Paused: container.state === 'paused',
      Restarting: false,
      OOMKilled: false,
      Dead: container.state === 'dead',
      Pid: container.running ? 4242 : 0,
      ExitCode: container.exitCode,
      Error: '',
      StartedAt: rfc3339Nano(container.startedNs),
      FinishedAt: rfc3339Nano(container.finishedNs),
    },
    Image: `sha256:${'0'.repeat(64)}`,
    LogPath: container.driver === 'json-file' ? `/var/lib/docker/containers/${container.id}-json.log` : '',
    Name: `/${container.name}`,
    RestartCount: container.restarts,
    Driver: 'overlay2',
    Platform: 'linux',
    HostConfig: {
      LogConfig: { Type: container.driver, Config: container.logOptions },
      NetworkMode: 'none',
      AutoRemove: false,
    },
    Mounts: [],
    Config: {
      Hostname: container.id.slice(0, 12),
      Tty: container.tty,
      Image: container.image,
      Labels: container.labels,
    },
    NetworkSettings: { Networks: {} },
  };
}

/** Go's time.RFC3339Nano: no zeros at the end of the fraction; the zero time is the year 1. */
export function rfc3339Nano(ns: Nanoseconds | undefined): string {
  if (ns === undefined) return '0001-01-01T00:00:00Z';
  return formatStamp(ns).replace(/\.?0*Z$/, 'Z');
}

function statusText(container: SimulatedContainer): string {
  switch (container.state) {
    case 'running':
      return 'Up 1 second';
    case 'paused':
      return 'Up 1 second (Paused)';
    case 'exited':
      return `Exited (${container.exitCode}) 1 second ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
  }
}
