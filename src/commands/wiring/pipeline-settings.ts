import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import { ownContainerId } from '../../pipeline/own-container.js';
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

function ownTraces() {
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
