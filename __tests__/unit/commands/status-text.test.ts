import { describe, expect, test } from '@jest/globals';
import { readSnapshot, type StatusSnapshot } from '../../../src/commands/status/snapshot.js';
import { statusText } from '../../../src/commands/status/text.js';
import type { Style } from '../../../src/commands/view/style.js';
import { parseStamp } from '../../../src/model/nanoseconds.js';

const NOW = parseStamp('2026-01-31T10:00:00Z')!;
const plain: Style = { paint: (_, text) => text, ascii: false, width: undefined };
const healthy = { state: 'healthy', reason: '', since: '2026-01-31T08:00:00.000000000Z' };

const page = {
  version: '1.2.3',
  pid: 42,
  started: '2026-01-31T08:00:00.000000000Z',
  collecting: true,
  engine: { api_version: '1.41', engine_version: '20.10.24' },
  engine_sockets: 1,
  active_polls: 2,
  memory_in_flight: 2048,
  resources: { fds: 20, fd_limit: 1024, rss: 96 * 1024 * 1024, live: 12 },
  totals: { lines: 1, bytes: 10, rejected: 0, gaps: 0, missed: 0 },
  missed: [] as { name: string; reason: string; at: string }[],
  loki: { kind: 'ok', since: '2026-01-31T08:00:00.000000000Z', reason: '', hint: '' } as Record<
    string,
    string
  >,
  health: { ...healthy, parts: { engine: healthy, loki: healthy } as Record<string, typeof healthy> },
  containers: [] as Record<string, unknown>[],
};

const container = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name,
  id: 'abc',
  state: 'running',
  life: 'active',
  polled_seconds_ago: 1.26,
  lag_seconds: 75,
  lines: 7,
  lines_per_minute: 3,
  window: 48,
  ...more,
});

function snapshotOf(more: Partial<typeof page>): StatusSnapshot {
  return readSnapshot({ status: 200, body: JSON.stringify({ ...page, ...more }), url: 'http://x' });
}

const textOf = (more: Partial<typeof page>, all = false): string =>
  statusText(snapshotOf(more), { style: plain, now: NOW, all });

describe('the status as text', () => {
  test('how the service is', () => {
    expect(textOf({ containers: [container('web')] })).toBe(
      [
        'pollard      1.2.3, process 42, up 2h',
        'health       HEALTHY since 2026-01-31 08:00:00Z (2h)',
        'Engine       20.10.24, API 1.41; 1 socket open, 2 polls under way',
        'Loki         takes what is sent, since 2026-01-31 08:00:00Z',
        'process      96.0 MiB resident, 20 of 1024 file descriptors, 12 live resources, 2.0 KiB on their way to Loki',
        'since start  1 line (10 B), 0 gaps, 0 rejected, 0 containers missed',
        '',
        'CONTAINER  STATE    POLLED     LAG  LINES/MIN  LINES  WINDOW  GAPS  LAST ERROR',
        'web        running    1.3s  1m 15s          3      7      48     0',
        '',
      ].join('\n'),
    );
  });

  test('what is wrong is told with what to do next', () => {
    const text = textOf({
      health: {
        ...healthy,
        state: 'unhealthy',
        parts: { engine: healthy, loki: { ...healthy, state: 'unhealthy', reason: '401 no org id' } },
      },
      loki: {
        kind: 'halted',
        since: '2026-01-31T08:00:00.000000000Z',
        reason: '401 no org id',
        hint: 'set it to what Loki expects',
        setting: 'loki.tenant',
      },
      missed: [{ name: 'job-1', reason: 'removed_early', at: '2026-01-31T09:00:00.000000000Z' }],
      collecting: false,
    });
    expect(text).toContain('health       UNHEALTHY since');
    expect(text).toContain('\n             loki is unhealthy since 2026-01-31 08:00:00Z: 401 no org id\n');
    expect(text).toContain('Loki         refuses what is sent, since 2026-01-31 08:00:00Z: 401 no org id\n');
    expect(text).toContain('\n             -> set it to what Loki expects (setting: loki.tenant)\n');
    expect(text).toContain('\n             missed job-1 at 2026-01-31 09:00:00Z: removed early\n');
    expect(text).toContain('collecting is switched off (collector.enabled)');
    expect(text).toContain('no container is collected at present');
  });

  test('a Loki for which the last push gave up is one that does not take what is sent', () => {
    const loki = { kind: 'failed', since: '2026-01-31T08:00:00.000000000Z', reason: '503', hint: 'wait' };
    expect(textOf({ loki })).toContain(
      'Loki         does not take what is sent, since 2026-01-31 08:00:00Z: 503\n',
    );
  });

  test('containers with trouble come first; those that are over are counted, but for what was lost of them', () => {
    const containers = [
      container('a-good'),
      container('b-over', { life: 'drained', state: 'exited' }),
      container('c-gone', { life: 'gone', last_error: 'no such container' }),
      container('d-lost', { life: 'gone', missed: true }),
      container('e-ill', { last_error: 'the daemon said no', failures: 3 }),
      container('f-gap', { gaps: 2, rejected: 1 }),
      container('g-deaf', { life: 'unreadable', last_error: 'cannot be read' }),
    ];
    const names = (text: string): string[] => [...text.matchAll(/^([a-g]-\w+)/gm)].map(([, name]) => name!);
    const text = textOf({ containers });
    expect(names(text)).toEqual(['d-lost', 'e-ill', 'f-gap', 'g-deaf', 'a-good']);
    expect(text).toContain('and 2 read to their end or removed (--all shows them)');
    expect(text).toMatch(/^d-lost +removed, missed/m);
    expect(text).toMatch(/^e-ill .* 3 times: the daemon said no$/m);
    expect(text).toMatch(/^CONTAINER .* GAPS {2}REJECTED {2}LAST ERROR$/m);
    const all = textOf({ containers }, true);
    expect(names(all)).toHaveLength(7);
    expect(all).toMatch(/^b-over +exited, read/m);
    expect(all).not.toContain('--all');
  });

  test('nothing that others wrote steers the terminal', () => {
    const escape = '\u001b[2J\u009b1m';
    const text = textOf({
      version: `1${escape}`,
      loki: { kind: 'retrying', since: escape, reason: escape, hint: escape },
      health: { ...healthy, parts: { [escape]: { ...healthy, state: 'degraded', reason: escape } } },
      missed: [{ name: escape, reason: escape, at: escape }],
      containers: [container(escape, { state: escape, last_error: `${escape}\n` })],
    });
    // eslint-disable-next-line no-control-regex -- they are what must not be there
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });
});

describe('what answers', () => {
  const read = (status: number, body: string) => () => readSnapshot({ status, body, url: 'http://x:1' });

  test('another token, and no Pollard at all', () => {
    expect(read(401, '{"error":"a bearer token is needed"}')).toThrow(
      expect.objectContaining({ code: 'status_denied', setting: 'status.token_file', exit: 'failure' }),
    );
    for (const [status, body] of [
      [404, ''],
      [200, '<html>'],
      [200, '{"version":1}'],
    ] as const) {
      expect(read(status, body)).toThrow(
        expect.objectContaining({ code: 'status_not_pollard', setting: 'status.listen' }),
      );
    }
  });

  test('a service that tells less is shown as far as it goes', () => {
    const told = { ...page, engine: null, containers: [{ name: 'web' }] };
    const body = JSON.stringify(told, (key, value: unknown) =>
      ['resources', 'totals', 'missed'].includes(key) ? undefined : value,
    );
    const snapshot = readSnapshot({ status: 200, body, url: '' });
    const text = statusText(snapshot, { style: plain, now: NOW, all: false });
    expect(text).toContain('Engine       not agreed with; 1 socket open');
    expect(text).toMatch(/^web +- +- +0/m);
  });
});
