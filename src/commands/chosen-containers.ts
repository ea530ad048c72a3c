import type { BackfillSelection } from '../backfill/run-name.js';
import { nearest } from '../config/nearest.js';
import type { ContainerSummary } from '../model/container.js';
import { PollardError } from '../model/errors.js';
import { globMatcher } from '../pipeline/glob.js';
import { shownText } from './shown-text.js';

/**
 * The containers that an operator names.
 *
 * @param collected those that the settings select
 * @param listed all that the Engine has
 * @param names in which `*` and `?` stand for others, or beginnings of ids; none: all that are collected
 * @throws PollardError `no_such_container` for a name that none has
 */
export function chosenByName(
  collected: readonly ContainerSummary[],
  listed: readonly ContainerSummary[],
  names: readonly string[],
): readonly ContainerSummary[] {
  if (names.length === 0) return collected;
  const chosen = new Set<ContainerSummary>();
  for (const written of names) {
    const matches = globMatcher(written);
    const isMeant = ({ name, id }: ContainerSummary): boolean =>
      matches(name) || (/^[0-9a-f]{4,64}$/.test(written) && id.startsWith(written));
    const found = collected.filter(isMeant);
    if (found.length === 0) throw noSuchContainer(written, collected, listed.some(isMeant));
    for (const container of found) chosen.add(container);
  }
  return [...chosen];
}

const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';

/**
 * The containers of a selection: each condition must hold.
 *
 * @throws PollardError `no_such_container` when none is left
 */
export function chosenBySelection(
  collected: readonly ContainerSummary[],
  listed: readonly ContainerSummary[],
  { containers, project, service, labels }: BackfillSelection,
): readonly ContainerSummary[] {
  const wanted: readonly (readonly [flag: string, label: string, value: string])[] = [
    ...(project === undefined ? [] : [['--project', PROJECT, project] as const]),
    ...(service === undefined ? [] : [['--service', SERVICE, service] as const]),
    ...Object.entries(labels).map(([name, value]) => ['--label', name, value] as const),
  ];
  let chosen = chosenByName(collected, listed, containers);
  for (const [flag, label, value] of wanted) {
    const left = chosen.filter((container) => container.labels[label] === value);
    if (left.length === 0) throw noneWithLabel(flag, label, value, chosen);
    chosen = left;
  }
  return chosen;
}

function noneWithLabel(
  flag: string,
  label: string,
  value: string,
  among: readonly ContainerSummary[],
): PollardError {
  const values = among.flatMap((container) => container.labels[label] ?? []);
  const meant = nearest(value, values);
  return new PollardError(
    'no_such_container',
    `${flag}: no container that is chosen has the label ${label}=${JSON.stringify(value)}`,
    {
      hint:
        meant === undefined
          ? 'docker ps -a --format "{{.Names}} {{.Labels}}" shows the labels there are'
          : `did you mean ${shownText(meant)}?`,
      setting: flag,
      exit: 'usage',
    },
  );
}

function noSuchContainer(
  written: string,
  collected: readonly ContainerSummary[],
  isThere: boolean,
): PollardError {
  const meant = nearest(
    written,
    collected.map(({ name }) => name),
  );
  const problem = isThere ? 'is a container that is not collected' : 'is no container';
  const near = meant === undefined ? 'docker ps -a shows what there is' : `did you mean ${shownText(meant)}?`;
  return new PollardError('no_such_container', `--container: ${JSON.stringify(written)} ${problem}`, {
    hint: isThere ? 'see containers.include, containers.exclude, and its label pollard.enable' : near,
    setting: '--container',
    exit: 'usage',
  });
}
