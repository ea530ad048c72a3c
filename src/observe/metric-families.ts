import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const POLL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const PUSH_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const WINDOW_ENTRIES = [64, 128, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

/** What Pollard counts as it happens: name and help of each, registered. */
export function metricFamilies(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const labelled = <T extends string>(name: string, help: string, label: T) =>
    new Counter({ name, help, labelNames: [label], registers });
  const gauge = (name: string, help: string) => unsaid(new Gauge({ name, help, registers }));
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });

  return {
    polls: labelled(
      'pollard_polls_total',
      'Polls by result: lines (read some), nothing (nothing new), fault (ended early, what came before is delivered), failed (no answer to read).',
      'result',
    ),
    pollSeconds: histogram('pollard_poll_seconds', 'Length of a poll, delivery included.', POLL_SECONDS),
    lines: counter(
      'pollard_lines_total',
      'Lines read and delivered, without those that Loki does not accept.',
    ),
    bytes: counter('pollard_bytes_total', 'Bytes of the lines in pollard_lines_total.'),
    duplicates: counter(
      'pollard_duplicates_dropped_total',
      'Entries dropped because the cursor says that they were delivered before.',
    ),
    gaps: counter('pollard_gaps_total', 'Places where lines were lost before they could be read.'),
    possibleGaps: counter(
      'pollard_possible_gaps_total',
      'Logs whose beginning may have been rotated away before they were first read.',
    ),
    missed: counter(
      'pollard_missed_containers_total',
      'Containers of which lines may never have been read: they came and went between two looks.',
    ),
    rejected: labelled(
      'pollard_rejected_lines_total',
      'Lines that Loki does not accept, by reason; of those too old for it also the ones that were not sent.',
      'reason',
    ),
    rejectedNotKept: labelled(
      'pollard_rejected_lines_not_kept_total',
      'Lines that Loki refused and of which no copy could be kept (rejected.max_bytes, or a full disk), by reason.',
      'reason',
    ),
    tooOld: counter(
      'pollard_skipped_too_old_lines_total',
      'Lines that are older than Loki accepts: skipped before they were sent, or refused by it. No copy is kept.',
    ),
    pushes: labelled(
      'pollard_pushes_total',
      'Pushes to Loki by status of the answer, or timeout, or connection. A repetition counts again.',
      'status',
    ),
    pushSeconds: histogram('pollard_push_seconds', 'Time until Loki answered a push.', PUSH_SECONDS),
    retries: counter('pollard_push_retries_total', 'Pushes that repeated an earlier one.'),
    replayed: counter(
      'pollard_replayed_lines_total',
      'Lines sent again that Loki may hold already, because it could not be asked.',
    ),
    entriesRead: counter('pollard_entries_read_total', 'Entries that the Engine sent.'),
    entriesReread: counter('pollard_entries_reread_total', 'Entries that the Engine sent although not new.'),
    window: histogram('pollard_window_entries', 'Window (tail) of the polls that had one.', WINDOW_ENTRIES),
    wholeLogs: counter('pollard_whole_log_reads_total', 'Polls that read a log without a window.'),
    widenings: counter('pollard_widenings_total', 'Windows that were too narrow and asked for again, wider.'),
    cutLines: counter('pollard_cut_lines_total', 'Lines cut at the largest size or age allowed.'),
    engineErrors: labelled('pollard_engine_errors_total', 'Errors of the Engine, by kind.', 'kind'),
    cutOff: labelled(
      'pollard_answers_cut_off_total',
      'Answers of the Engine that were too long or took too long and were cut off, by the setting that bounds them.',
      'setting',
    ),
    malformed: labelled(
      'pollard_malformed_items_total',
      'Items in answers of the Engine that could not be understood and were skipped, by kind: container (of the list), event, inspect (of one container).',
      'kind',
    ),
    overruns: counter(
      'pollard_events_overruns_total',
      "Times that the Engine's ring of events was overrun, or the Engine restarted.",
    ),
    clockSteps: counter('pollard_clock_steps_total', 'Times that the wall clock was set.'),
    openFds: gauge('pollard_open_fds', 'Open file descriptors of the process.'),
    maxFds: gauge('pollard_max_fds', 'Most file descriptors that the process may open.'),
    heapUsed: gauge('pollard_heap_used_bytes', 'JavaScript heap in use.'),
    heapTotal: gauge('pollard_heap_total_bytes', 'JavaScript heap allocated.'),
    external: gauge('pollard_external_memory_bytes', 'Memory of buffers.'),
    resident: gauge('pollard_resident_memory_bytes', 'Resident memory of the process.'),
    lag: gauge('pollard_event_loop_lag_seconds', 'Longest delay of the event loop between two samples.'),
    live: new Gauge({
      name: 'pollard_active_resources',
      help: 'Live resources of the event loop, by type.',
      labelNames: ['type'],
      registers,
    }),
    health: new Gauge({
      name: 'pollard_health',
      help: 'Health of a part, and of all: 0 healthy, 1 degraded, 2 unhealthy.',
      labelNames: ['part'],
      registers,
    }),
    build: new Gauge({
      name: 'pollard_build_info',
      help: 'Always 1; the versions are its labels.',
      labelNames: ['version', 'node'],
      registers,
    }),
    started: gauge('pollard_start_time_seconds', 'When the process began, seconds since 1970.'),
  };
}

export type MetricFamilies = ReturnType<typeof metricFamilies>;

/** A gauge shows 0 from its creation on; take that away until the first figure is known. */
function unsaid(gauge: Gauge): Gauge {
  gauge.remove();
  return gauge;
}
