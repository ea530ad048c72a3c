import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { Health } from '../../../src/observe/health.js';
import { jobMetrics } from '../../../src/observe/job-metrics.js';
import { createMetrics } from '../../../src/observe/metrics.js';
import { ManualClock } from '../../support/manual-clock.js';

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}
interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

const root = new URL('../../../config/', import.meta.url);

async function panels(): Promise<Panel[]> {
  const text = await readFile(new URL('grafana/pollard-dashboard.json', root), 'utf8');
  return (JSON.parse(text) as { panels: Panel[] }).panels;
}

async function rules(): Promise<Rule[]> {
  const text = await readFile(new URL('prometheus/pollard-alerts.yaml', root), 'utf8');
  return (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
}

/** The names of all that a Pollard shows, as Prometheus knows them. */
async function metricNames(): Promise<Set<string>> {
  const metrics = createMetrics({ version: '1', startedAt: 1 });
  metrics.health(new Health(new ManualClock()).report());
  metrics.observe({
    activePolls: () => 0,
    engineSockets: () => 0,
    memoryInFlight: () => 0,
    containers: () => ({}),
    lags: () => [],
  });
  const names = new Set<string>();
  for (const [, name, type] of (await metrics.render()).text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.add(name!);
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) names.add(`${name!}_${part}`);
  }
  return names;
}

/** Those that catch-up, backfill and verify write to metrics.textfile. */
async function jobMetricNames(): Promise<string[]> {
  const run = { command: 'verify', exitCode: 0, endedAt: 0n, seconds: 0 };
  const text = await jobMetrics({ ...run, figures: { lines: { delivered: 1 }, missing: 0, gaps: 0 } }, 0);
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
}

const namesIn = (expr: string) => [...expr.matchAll(/\bpollard_[a-z_]+/g)].map(([name]) => name);

describe('the dashboard', () => {
  test('asks only for metrics that there are, and for nearly all of them', async () => {
    const known = await metricNames();
    const asked = new Set(
      (await panels()).flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => namesIn(expr))),
    );
    expect([...asked].filter((name) => !known.has(name))).toEqual([]);
    const families = [...known].filter((name) => !/_(bucket|sum|count)$/.test(name));
    const unasked = families.filter((name) => !asked.has(name) && !asked.has(`${name}_bucket`));
    expect(unasked.sort()).toEqual([
      'pollard_build_info',
      'pollard_heap_total_bytes',
      'pollard_max_fds',
      'pollard_start_time_seconds',
    ]);
  });

  test('has panels with an id each, side by side', async () => {
    const all = await panels();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of all) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.has(`${x},${y}`)]).toEqual([title, false]);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

describe('the alert rules', () => {
  test('ask only for metrics that there are', async () => {
    const known = new Set([...(await metricNames()), ...(await jobMetricNames())]);
    const asked = (await rules()).flatMap(({ expr }) => namesIn(expr));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  test('are named once, graded, and say what to do', async () => {
    const all = await rules();
    expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length);
    for (const { labels, annotations } of all) {
      expect(['warning', 'critical']).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\$labels.instance/);
      expect(annotations.description.length).toBeGreaterThan(40);
    }
  });
});
