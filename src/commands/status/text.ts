import { printable } from '../../config/shown.js';
import { NS_PER_SECOND, parseStamp, type Nanoseconds } from '../../model/nanoseconds.js';
import { formatSize } from '../output.js';
import { nextStep } from '../print-error.js';
import type { Style } from '../view/style.js';
import { formatInstant, formatSeconds } from '../view/times.js';
import { containerTable } from './container-table.js';
import type { StatusSnapshot } from './snapshot.js';

export interface StatusTextOptions {
  readonly style: Style;
  /** Wall clock. */
  readonly now: Nanoseconds;
  /** Also the containers that are read to their end or removed. */
  readonly all: boolean;
}

const TITLE_WIDTH = 13;
const COLOURS = { healthy: 'green', degraded: 'yellow', unhealthy: 'red' } as const;

/** How the service is, and a table of its containers. */
export function statusText(snapshot: StatusSnapshot, options: StatusTextOptions): string {
  const { version, pid, started } = snapshot;
  const lines = [
    row('pollard', `${version}, process ${pid}, up ${ago(started, options.now)}`),
    ...healthLines(snapshot, options),
    row('Engine', engineText(snapshot)),
    ...lokiLines(snapshot, options),
    row('process', processText(snapshot)),
    ...totalLines(snapshot),
    '',
    ...containerTable(snapshot.containers, options.style, options.all),
  ];
  return `${lines.join('\n')}\n`;
}

function row(title: string, text: string): string {
  return `${title.padEnd(TITLE_WIDTH)}${printable(text)}`;
}

function healthLines({ health, collecting }: StatusSnapshot, { style, now }: StatusTextOptions): string[] {
  const ill = Object.entries(health.parts).filter(([, { state }]) => state !== 'healthy');
  const since = ` since ${instant(health.since)} (${ago(health.since, now)})`;
  const state = style.paint(COLOURS[health.state], health.state.toUpperCase());
  return [
    `${'health'.padEnd(TITLE_WIDTH)}${state}${since}`,
    ...ill.map(([name, part]) =>
      row('', `${name} is ${part.state} since ${instant(part.since)}: ${part.reason}`),
    ),
    ...(collecting ? [] : [row('', 'collecting is switched off (collector.enabled)')]),
  ];
}

function engineText({ engine, engine_sockets: sockets, active_polls: polls }: StatusSnapshot): string {
  const version = engine?.engine_version ?? undefined;
  const name = version === undefined ? '' : `${version}, `;
  const known = engine === null ? 'not agreed with' : `${name}API ${engine.api_version}`;
  return `${known}; ${counted(sockets, 'socket')} open, ${counted(polls, 'poll')} under way`;
}

function lokiLines({ loki }: StatusSnapshot, { style }: StatusTextOptions): string[] {
  const since = instant(loki.since);
  if (loki.kind === 'ok') return [row('Loki', `takes what is sent, since ${since}`)];
  const what = loki.kind === 'halted' ? 'refuses what is sent' : 'does not take what is sent';
  const next = nextStep({ message: loki.reason, hint: loki.hint, setting: loki.setting ?? undefined });
  const text = row('Loki', `${what}, since ${since}: ${loki.reason}`);
  return [
    style.paint(loki.kind === 'halted' ? 'red' : 'yellow', text),
    ...(next === undefined ? [] : [row('', `-> ${next}`)]),
  ];
}

function processText({ resources, memory_in_flight: inFlight }: StatusSnapshot): string {
  const waiting = `${formatSize(inFlight)} on their way to Loki`;
  if (resources === null) return waiting;
  const { fds, fd_limit: limit, rss, live } = resources;
  const limited = limit === null ? '' : ` of ${limit}`;
  const descriptors = fds === null ? '' : `${fds}${limited} file descriptors, `;
  return `${formatSize(rss)} resident, ${descriptors}${live} live resources, ${waiting}`;
}

function totalLines({ totals, missed }: StatusSnapshot): string[] {
  if (totals === null) return [];
  const { lines, bytes, rejected, gaps, possible_gaps: possibleGaps } = totals;
  const possible = possibleGaps === 0 ? '' : `, ${counted(possibleGaps, 'possible gap')}`;
  const missedContainers = `${counted(totals.missed, 'container')} missed`;
  return [
    row(
      'since start',
      `${counted(lines, 'line')} (${formatSize(bytes)}), ${counted(gaps, 'gap')}${possible}, ${rejected} rejected, ${missedContainers}`,
    ),
    ...missed
      .slice(-5)
      .map(({ name, reason, at }) =>
        row('', `missed ${name} at ${instant(at)}: ${reason.replaceAll('_', ' ')}`),
      ),
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function instant(stamp: string): string {
  const ns = parseStamp(stamp);
  return ns === undefined ? stamp : formatInstant(ns);
}

function ago(stamp: string, now: Nanoseconds): string {
  const ns = parseStamp(stamp);
  return ns === undefined ? '?' : formatSeconds(Number((now - ns) / NS_PER_SECOND));
}
