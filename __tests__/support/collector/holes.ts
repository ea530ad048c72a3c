import { isGapText } from '../../../src/collector/gap.js';
import { isPossibleGapText } from '../../../src/collector/possible-gap.js';
import { parseStamp, type Nanoseconds } from '../../../src/model/nanoseconds.js';
import type { LokiSimulator } from '../../../src/simulators/loki/index.js';
import type { TestContainer } from '../engines/index.js';
import { entriesOf } from './reconcile.js';

/** A stretch between two stamps, as text. */
export interface Span {
  readonly after: string;
  readonly before: string;
}

export interface Holes {
  readonly delivered: number;
  /** Lines written that are not in Loki. */
  readonly lost: number;
  /** Stretches of lost lines, by the stamps of the lines that were delivered around them. */
  readonly holes: readonly Span[];
  /** Stretches that the markers in the container's stream name. */
  readonly named: readonly Span[];
}

/**
 * Where lines of one container are missing, and what its gap markers say of it. For a container that wrote the
 * lines in this order to one stream, with stamps that never step back.
 */
export function holesOf(loki: LokiSimulator, container: TestContainer, written: readonly string[]): Holes {
  const stamps = new Map<string, Nanoseconds>();
  const named: Span[] = [];
  for (const { line, stamp } of entriesOf(loki, container)) {
    if (isGapText(line)) named.push(spanOf(line));
    else if (!isPossibleGapText(line)) stamps.set(line, stamp);
  }
  const holes: Span[] = [];
  let last = 0n;
  let lost = 0;
  let inHole = false;
  for (const text of written) {
    const stamp = stamps.get(text);
    if (stamp === undefined) {
      lost++;
      inHole = true;
      continue;
    }
    if (inHole) holes.push({ after: String(last), before: String(stamp) });
    inHole = false;
    last = stamp;
  }
  if (inHole) holes.push({ after: String(last), before: 'the end' });
  return { delivered: written.length - lost, lost, holes, named };
}

/** See gapText in src/collector/gap.ts. */
function spanOf(marker: string): Span {
  const [after, before] = [...marker.matchAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g)].map(([stamp]) =>
    parseStamp(stamp),
  );
  if (after === undefined || before === undefined) throw new Error(`a marker without its span: ${marker}`);
  return { after: String(after), before: String(before) };
}
