import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import { containerIdAsHost } from '../../pipeline/host-label.js';
import { ownContainerId, type OwnTraces } from '../../pipeline/own-container.js';
import type { SelectionSettings } from '../../pipeline/selection.js';
import type { LabelSettings } from '../../pipeline/stream-labels.js';

/** Which containers are collected. Looks at where this process runs. */
export function selectionSettings({ containers }: Config): SelectionSettings {
  const { include, exclude, opt_in: optIn, self } = containers;
  return { include, exclude, optIn, self, ownId: ownContainerId(ownTraces()) };
}

/** How the streams of a container are labelled. */
export function labelSettings(
  { collector, labels }: Config,
  onLeftOut?: NonNullable<LabelSettings['onLeftOut']>,
): LabelSettings {
  return {
    job: labels.job,
    host: collector.host ?? hostname(),
    static: labels.static,
    drop: labels.drop,
    fromContainer: labels.from_container,
    structuredMetadata: labels.structured_metadata,
    ...(onLeftOut === undefined ? {} : { onLeftOut }),
  };
}

/** Something about the label `host` that an operator should know. */
export interface HostNotice {
  readonly code: 'host_is_container_id';
  readonly message: string;
  readonly hint: string;
  readonly setting: 'collector.host';
}

/** Warns of a label `host` that changes whenever Pollard's own container is replaced. Looks at where this process runs. */
export function hostNotice(
  { collector, labels }: Config,
  traces: OwnTraces = ownTraces(),
): HostNotice | undefined {
  if (labels.drop.includes('host')) return undefined;
  const host = containerIdAsHost(collector.host, traces.hostname, ownContainerId(traces));
  if (host === undefined) return undefined;
  return {
    code: 'host_is_container_id',
    message: `the label host is ${host}, the id of Pollard's own container: it changes when the container is replaced`,
    hint: 'set collector.host, or give the container a name of its own: docker run --hostname "$(hostname)"',
    setting: 'collector.host',
  };
}

function ownTraces(): OwnTraces {
  return {
    cgroup: textOf('/proc/self/cgroup'),
    mountinfo: textOf('/proc/self/mountinfo'),
    hostname: hostname(),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
