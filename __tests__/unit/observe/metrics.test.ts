import { register } from 'prom-client';
import { Health } from '../../../src/observe/health.js';
import { createMetrics, type Metrics, type PollFigures } from '../../../src/observe/metrics.js';
import type { ContainerLag, MetricSources } from '../../../src/observe/sampled-gauges.js';
import { ManualClock } from '../../support/manual-clock.js';

const make = (options: Partial<Parameters<typeof createMetrics>[0]> = {}) =>
  createMetrics({ version: '1.2.3', startedAt: 1_700_000_000, ...options });

async function shown(metrics: Metrics): Promise<Map<string, number>> {
  const { text } = await metrics.render();
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const figures: PollFigures = {
  result: 'lines',
  seconds: 0.02,
  lines: 100,
  bytes: 12_000,
  duplicates: 5,
  entriesRead: 105,
  entriesReread: 5,
  window: 128,
  widenings: 1,
};

function sources(lags: () => ContainerLag[], more: Partial<MetricSources> = {}): MetricSources {
  return {
    activePolls: () => 4,
    engineSockets: () => 3,
    memoryInFlight: () => 1_000_000,
    containers: () => ({ active: 7, unreadable: 2 }),
    lags,
    ...more,
  };
}

describe('counting', () => {
  test('a poll adds its figures', async () => {
    const metrics = make();
    metrics.polled(figures);
    metrics.polled({ ...figures, result: 'nothing', lines: 0, bytes: 0, window: undefined, widenings: 0 });
    metrics.pollFailed('timeout', 30);
    const all = await shown(metrics);
    expect(Object.fromEntries(all)).toMatchObject({
      'pollard_polls_total{result="lines"}': 1,
      'pollard_polls_total{result="nothing"}': 1,
      'pollard_polls_total{result="failed"}': 1,
      'pollard_polls_total{result="fault"}': 0,
      pollard_poll_seconds_count: 3,
      pollard_lines_total: 100,
      pollard_bytes_total: 12_000,
      pollard_duplicates_dropped_total: 10,
      pollard_entries_read_total: 210,
      pollard_entries_reread_total: 10,
      pollard_widenings_total: 1,
      pollard_window_entries_count: 1,
      pollard_window_entries_sum: 128,
      pollard_whole_log_reads_total: 1,
      'pollard_engine_errors_total{kind="timeout"}': 1,
    });
  });

  test('events add one, lines add their number', async () => {
    const metrics = make();
    metrics.gap();
    metrics.missedContainer();
    metrics.missedContainer();
    metrics.eventsOverrun();
    metrics.clockStepped();
    metrics.linesCut(3);
    metrics.answerCutOff('poll.deadline');
    metrics.linesRejected('too_old', 7);
    metrics.engineError('refused');
    metrics.pushRetried();
    expect(Object.fromEntries(await shown(metrics))).toMatchObject({
      pollard_gaps_total: 1,
      pollard_missed_containers_total: 2,
      pollard_events_overruns_total: 1,
      pollard_clock_steps_total: 1,
      pollard_cut_lines_total: 3,
      'pollard_rejected_lines_total{reason="too_old"}': 7,
      'pollard_engine_errors_total{kind="refused"}': 1,
      'pollard_answers_cut_off_total{setting="poll.deadline"}': 1,
      pollard_push_retries_total: 1,
    });
  });

  test('pushes are counted by status, and in sum', async () => {
    const metrics = make();
    metrics.pushed(204, 0.01);
    metrics.pushed(204, 0.01);
    metrics.pushed(260, 0.01);
    metrics.pushed(429, 0.01);
    metrics.pushed('timeout', 10);
    expect(metrics.pushTotals()).toEqual({ tried: 5, failed: 2 });
    expect(Object.fromEntries(await shown(metrics))).toMatchObject({
      'pollard_pushes_total{status="204"}': 2,
      'pollard_pushes_total{status="260"}': 1,
      'pollard_pushes_total{status="429"}': 1,
      'pollard_pushes_total{status="500"}': 0,
      'pollard_pushes_total{status="timeout"}': 1,
      pollard_push_seconds_count: 5,
    });
  });

  test('a push whose lines were refused is no failed push', () => {
    const metrics = createMetrics({ version: '1', startedAt: 1 });
    for (const status of [204, 400, 400, 500] as const) metrics.pushed(status, 0.01);
    expect(metrics.pushTotals()).toEqual({ tried: 4, failed: 1 });
  });

  test('what never happened is shown as 0 where it is known beforehand', async () => {
    const all = await shown(
      make({
        rejectReasons: ['too_old'],
        engineErrorKinds: ['timeout'],
        cuttingSettings: ['docker.timeout'],
      }),
    );
    expect(all.get('pollard_gaps_total')).toBe(0);
    expect(all.get('pollard_rejected_lines_total{reason="too_old"}')).toBe(0);
    expect(all.get('pollard_engine_errors_total{kind="timeout"}')).toBe(0);
    expect(all.get('pollard_answers_cut_off_total{setting="docker.timeout"}')).toBe(0);
  });

  test('reasons without end become one', async () => {
    const metrics = make({ rejectReasons: ['too_old'] });
    for (let i = 0; i < 1000; i++) metrics.linesRejected(`line ${i} is bad`, 1);
    metrics.linesRejected('too_old', 1);
    const rejected = [...(await shown(metrics))].filter(([name]) =>
      name.startsWith('pollard_rejected_lines_total'),
    );
    expect(rejected).toHaveLength(31);
    expect(rejected.reduce((sum, [, value]) => sum + value, 0)).toBe(1001);
    expect(Object.fromEntries(rejected)['pollard_rejected_lines_total{reason="too_old"}']).toBe(1);
  });
});

describe('what is looked up at the scrape', () => {
  test('is as it is then', async () => {
    const metrics = make();
    let polls = 1;
    metrics.observe(sources(() => [], { activePolls: () => polls }));
    polls = 9;
    expect(Object.fromEntries(await shown(metrics))).toMatchObject({
      pollard_active_polls: 9,
      pollard_engine_sockets_open: 3,
      pollard_memory_in_flight_bytes: 1_000_000,
      pollard_unreadable_containers: 2,
      'pollard_containers{life="active"}': 7,
      'pollard_containers{life="unreadable"}': 2,
      pollard_cursor_lag_max_seconds: 0,
    });
  });

  test('the lag of a container that is forgotten goes with it', async () => {
    const metrics = make();
    let lags: ContainerLag[] = [
      { container: 'web', seconds: 2 },
      { container: 'db', seconds: 5 },
    ];
    metrics.observe(sources(() => lags));
    expect((await shown(metrics)).get('pollard_cursor_lag_seconds{container="web"}')).toBe(2);
    lags = [{ container: 'db', seconds: 6 }];
    const all = await shown(metrics);
    expect(all.has('pollard_cursor_lag_seconds{container="web"}')).toBe(false);
    expect(all.get('pollard_cursor_lag_seconds{container="db"}')).toBe(6);
    expect(all.get('pollard_cursor_lag_max_seconds')).toBe(6);
  });

  test('of too many containers the lag of the worst is told', async () => {
    const metrics = make({ maxContainers: 10 });
    metrics.observe(
      sources(() => Array.from({ length: 5000 }, (_, i) => ({ container: `c${i}`, seconds: i }))),
    );
    const lags = [...(await shown(metrics))].filter(([name]) =>
      name.startsWith('pollard_cursor_lag_seconds'),
    );
    expect(lags.map(([, seconds]) => seconds)).toEqual([
      4999, 4998, 4997, 4996, 4995, 4994, 4993, 4992, 4991, 4990,
    ]);
  });

  test('of two containers of one name the one further behind is told', async () => {
    const metrics = make();
    metrics.observe(
      sources(() => [
        { container: 'web', seconds: 50 },
        { container: 'web', seconds: 1 },
      ]),
    );
    expect((await shown(metrics)).get('pollard_cursor_lag_seconds{container="web"}')).toBe(50);
  });

  test('a name cannot break out of its label', async () => {
    const metrics = make();
    metrics.observe(sources(() => [{ container: 'a"} 1\npollard_gaps_total 99\n#', seconds: 1 }]));
    expect((await shown(metrics)).get('pollard_gaps_total')).toBe(0);
  });
});

test('resources and health are shown once they are known', async () => {
  const metrics = make();
  expect((await shown(metrics)).has('pollard_open_fds')).toBe(false);
  metrics.resources({
    at: 0,
    live: { Timeout: 3, TCPSocketWrap: 2 },
    liveTotal: 5,
    fds: 31,
    fdLimit: 1024,
    rss: 8e7,
    heapUsed: 3e7,
    heapTotal: 5e7,
    external: 1e6,
    lag: 0.004,
    engineSockets: 0,
    pushes: { tried: 0, failed: 0 },
  });
  const health = new Health(new ManualClock());
  health.set('loki', 'degraded', 'away');
  metrics.health(health.report());
  expect(Object.fromEntries(await shown(metrics))).toMatchObject({
    pollard_open_fds: 31,
    pollard_max_fds: 1024,
    pollard_heap_used_bytes: 3e7,
    pollard_resident_memory_bytes: 8e7,
    pollard_event_loop_lag_seconds: 0.004,
    'pollard_active_resources{type="Timeout"}': 3,
    'pollard_health{part="all"}': 1,
    'pollard_health{part="loki"}': 1,
    'pollard_health{part="engine"}': 0,
  });
});

test('two processes in one do not meet, and the global registry stays empty', async () => {
  const [a, b] = [make(), make()];
  a.gap();
  expect((await shown(b)).get('pollard_gaps_total')).toBe(0);
  expect(register.getMetricsAsArray()).toEqual([]);
  expect((await shown(a)).get(`pollard_build_info{version="1.2.3",node="${process.versions.node}"}`)).toBe(1);
});
