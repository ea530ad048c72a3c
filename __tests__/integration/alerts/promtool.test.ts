import { describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { jobMetrics } from '../../../src/observe/job-metrics.js';
import { promtool, promtoolIsOff } from '../../support/promtool.js';
import { withFolder } from '../../support/test-folder.js';

const RULES = fileURLToPath(new URL('../../../config/prometheus/pollard-alerts.yaml', import.meta.url));
const block = promtoolIsOff ? describe.skip : describe;

/** One of `tests` in a file for `promtool test rules`. */
interface RulesTest {
  readonly interval: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly promql_expr_test?: readonly object[];
  readonly alert_rule_test?: readonly object[];
}

async function expectRules(...tests: RulesTest[]): Promise<void> {
  await withFolder('promtool', async (folder) => {
    const file = join(folder, 'test.yaml');
    await writeFile(file, stringify({ rule_files: [RULES], evaluation_interval: '1m', tests }));
    expect(await promtool(['test', 'rules', file])).toContain('SUCCESS');
  });
}

/** At that time these instances have the alert, and no other has it. */
function firing(alert: string, labels: Record<string, string>, at: string, instances: readonly string[]) {
  const more = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return {
    expr: `ALERTS{alertname="${alert}", alertstate="firing"}`,
    eval_time: at,
    exp_samples: instances.map((instance) => ({
      labels: `ALERTS{${[`alertname="${alert}"`, 'alertstate="firing"', `instance="${instance}"`, ...more].join(', ')}}`,
      value: 1,
    })),
  };
}

block('promtool', () => {
  test('accepts the alert rules', async () => {
    expect(await promtool(['check', 'rules', RULES])).toMatch(/SUCCESS: \d+ rules found/);
  });

  test('accepts what the commands write, and finds nothing to improve in it', async () => {
    const run = { command: 'verify', exitCode: 7, endedAt: 1_700_000_000_123_000_000n, seconds: 1.5 };
    const lines = { delivered: 1, missing: 2 };
    for (const figures of [undefined, { lines, missing: 2, gaps: 0 }]) {
      expect(await promtool(['check', 'metrics'], await jobMetrics({ ...run, figures }, 0))).toBe('');
    }
  });

  // The value is the time of the last success: it grows while runs succeed, then it stays.
  test.each([
    { command: 'catch-up', alert: 'PollardCatchUpNotSucceeding', severity: 'critical', every: 5, hours: 1 },
    { command: 'backfill', alert: 'PollardBackfillNotSucceeding', severity: 'warning', every: 60, hours: 26 },
    { command: 'verify', alert: 'PollardVerifyNotSucceeding', severity: 'warning', every: 60, hours: 26 },
  ])('no success of $command for $hours h: an alert after that, and none before', async (job) => {
    const { command, alert, severity, every, hours } = job;
    const series = (instance: string, of = command) =>
      `pollard_job_last_success_timestamp_seconds{command="${of}", instance="${instance}"}`;
    const seconds = every * 60;
    const limit = 60 * hours;
    await expectRules({
      interval: `${every}m`,
      input_series: [
        { series: series('good'), values: `0+${seconds}x100` },
        // The sixth and last success is after five intervals.
        { series: series('bad'), values: `0+${seconds}x5 ${5 * seconds}x100` },
        { series: series('never'), values: '0x100' },
        // Each alert is of one command.
        { series: series('other', 'resend'), values: '0x100' },
      ],
      promql_expr_test: [
        firing(alert, { command, severity }, `${limit}m`, []),
        firing(alert, { command, severity }, `${limit + 1}m`, ['never']),
        firing(alert, { command, severity }, `${5 * every + limit}m`, ['never']),
        firing(alert, { command, severity }, `${5 * every + limit + 1}m`, ['bad', 'never']),
      ],
    });
  });

  test('lines missing: an alert with their number, until a run finds none, and not because a run has no result', async () => {
    const rules = parse(await readFile(RULES, 'utf8')) as {
      groups: { rules: { alert: string; annotations: Record<string, string> }[] }[];
    };
    const alertname = 'PollardLinesMissing';
    const all = rules.groups.flatMap((group) => group.rules);
    const { annotations } = all.find(({ alert }) => alert === alertname)!;
    const shown = (text: string): string =>
      text
        .replace('{{ $labels.instance }}', 'bad')
        .replace('{{ $labels.command }}', 'verify')
        .replace('{{ $value | printf "%.0f" }}', '12');
    const alert = {
      exp_labels: { severity: 'critical', command: 'verify', instance: 'bad' },
      exp_annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, text]) => [name, shown(text)]),
      ),
    };
    expect(shown(annotations['description']!)).toContain('found 12 lines');
    const series = (command: string, instance: string) =>
      `pollard_job_missing_lines{command="${command}", instance="${instance}"}`;
    await expectRules({
      interval: '1m',
      input_series: [
        { series: series('verify', 'bad'), values: '0 0 0 12 12 stale _ 0 0' },
        { series: series('backfill', 'good'), values: '0x8' },
      ],
      alert_rule_test: [
        { eval_time: '2m', alertname, exp_alerts: [] },
        { eval_time: '3m', alertname, exp_alerts: [alert] },
        { eval_time: '6m', alertname, exp_alerts: [alert] },
        { eval_time: '7m', alertname, exp_alerts: [] },
      ],
    });
  });
});
