import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLokiSimulator } from '../../src/simulators/loki/index.js';
import { importBusybox } from '../support/engines/busybox-image.js';
import { startEngine } from '../support/engines/engine.js';
import { engineVersions } from '../support/engines/versions.js';
import { RESULTS } from './results-folder.js';
import { ScratchFolder } from './scratch-folder.js';
import { ServiceProcess } from './service-process.js';
import { Crowd } from './soak/crowd.js';
import { Ledger } from './soak/ledger.js';
import { soakReport, type SoakResult } from './soak/report.js';
import { Sampler, type Sample } from './soak/sampler.js';
import { until } from './until.js';

/**
 * The built service between a real Engine and a strict Loki, for long: real containers, some of which are killed
 * and made anew, logs that are rotated, polls far more often than by default. What the process holds is looked at
 * each second, and every line is accounted for.
 *
 *   npm run soak -- --minutes 30 [--hours 24] [--containers 30] [--rate 1500] [--results FOLDER]
 *
 * Writes soak.txt, soak.json and soak.svg. Exit code 1 when it does not hold.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      hours: { type: 'string' },
      containers: { type: 'string', default: '30' },
      rate: { type: 'string', default: '1500' },
      results: { type: 'string', default: RESULTS },
    },
  });
  const asked = Number(values.hours ?? 0) * 60 + Number(values.minutes ?? 0);
  const minutes = values.hours === undefined && values.minutes === undefined ? 30 : asked;
  const containers = Number(values.containers);
  const rate = Number(values.rate);
  if (!(minutes >= 2) || !(containers >= 1) || !(rate >= 1)) {
    throw new Error(
      '--minutes (or --hours) of at least 2 minutes, --containers and --rate of at least 1 are wanted',
    );
  }

  const report = soakReport(await soak(minutes * 60, containers, rate));
  process.stdout.write(`\n${report.text}`);
  mkdirSync(values.results, { recursive: true });
  writeFileSync(join(values.results, 'soak.txt'), report.text);
  writeFileSync(join(values.results, 'soak.json'), report.json);
  writeFileSync(join(values.results, 'soak.svg'), report.svg);
  process.exitCode = report.holds ? 0 : 1;
}

/**
 * Far more polls than by default: days of them in minutes. What is remembered for a time by design (own samples,
 * containers that are gone) is remembered for minutes, so that it is full long before the end.
 */
const HURRIED = {
  poll: { interval: '1s', min_interval: '200ms', max_interval: '2s' },
  discovery: { events_interval: '500ms', list_interval: '5s', forget_after: '1m' },
  resources: { interval: '1s', window: '3m' },
};
const TAKE_EVERY_MS = 1000;
const SHOW_EVERY = 10;
const IDLE_LOOKS = 100;
const IDLE_LOOK_EVERY_MS = 53;

async function soak(seconds: number, containers: number, rate: number): Promise<SoakResult> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const version = engineVersions[engineVersions.length - 1]!;
  say('starting an Engine ...');
  const engine = await startEngine({ version });
  const scratch = new ScratchFolder();
  const loki = await startLokiSimulator({ keepRequests: 100 });
  const ledger = new Ledger();
  // Taken out, so that hours of lines need no memory.
  const take = () => loki.take().forEach(({ line }) => ledger.add(line));
  const taking = setInterval(take, TAKE_EVERY_MS);
  let service: ServiceProcess | undefined;
  try {
    await importBusybox(engine.api);
    service = await ServiceProcess.start({
      folder: scratch.fresh(),
      nodeFlags: ['--expose-gc'],
      keep: 1_000_000,
      socketPath: engine.socketPath,
      lokiUrl: loki.url,
      settings: HURRIED,
    });
    const running = service;
    const crowd = new Crowd(engine, {
      count: containers,
      linesPerSecond: rate,
      ledger,
      readToEnd: async (id) => {
        const { containers: known } = await running.status();
        return known.some((each) => id.startsWith(each.id) && each.life === 'drained');
      },
    });
    say(`starting ${containers} containers of ${crowd.linesPerSecond} lines a second together ...`);
    await crowd.start();
    say(`soaking for ${(seconds / 60).toFixed(1)} minutes ...`);

    const began = Date.now();
    const over = AbortSignal.timeout(seconds * 1000);
    const sampler = new Sampler({ service, engine, lines: () => ledger.delivered });
    const sampling = sampler.run(over, (sample) => {
      if (sampler.samples.length % SHOW_EVERY === 0) say(shown(sample));
    });
    await Promise.all([sampling, crowd.churn(over)]);
    say('ending all containers ...');
    await crowd.end();
    take();

    await until('all is read to its end', async () =>
      (await running.status()).containers.every(({ life }) => life === 'drained'),
    );
    const idleSockets: number[] = [];
    for (let look = 0; look < IDLE_LOOKS; look++) {
      await delay(IDLE_LOOK_EVERY_MS);
      idleSockets.push((await service.status()).engine_sockets);
    }
    const sums = await service.metrics(
      'pollard_polls_total',
      'pollard_entries_read_total',
      'pollard_entries_reread_total',
      'pollard_gaps_total',
      'pollard_missed_containers_total',
    );
    await service.stop();
    take();
    const counts = loki.counts();
    return {
      when: new Date(began).toISOString(),
      engine: engine.version,
      containers,
      linesPerSecond: crowd.linesPerSecond,
      seconds,
      samples: sampler.samples,
      heap: heapOf(service.process.heapFile, began),
      account: ledger.account(crowd.written),
      deaths: crowd.deaths,
      refused: Object.values(counts.refused).reduce((sum, entries) => sum + entries, 0),
      folded: counts.strictDuplicates,
      polls: sums.pollard_polls_total,
      entriesRead: sums.pollard_entries_read_total,
      entriesReread: sums.pollard_entries_reread_total,
      gaps: sums.pollard_gaps_total,
      missed: sums.pollard_missed_containers_total,
      complaints: Object.fromEntries(service.complaints()),
      idleSockets,
    };
  } finally {
    clearInterval(taking);
    await service?.discard();
    await loki.close();
    await engine.stop();
    scratch.remove();
  }
}

/** What was written at each SIGUSR2; see report-usage.mjs. */
function heapOf(file: string, began: number): SoakResult['heap'] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const points = lines.map((line) => line.split(' ').map(Number));
  return {
    seconds: points.map(([at]) => (at! - began) / 1000),
    values: points.map(([, bytes]) => bytes!),
  };
}

function shown(sample: Sample): string {
  const { seconds, lines, fds, live, rss, engineSockets, activePolls, lagMs, health } = sample;
  return [
    `${(seconds / 60).toFixed(1).padStart(6)} min`,
    `${lines} lines`,
    `${fds} fds`,
    `${live} active resources`,
    `${(rss / 1024 / 1024).toFixed(0)} MiB`,
    `${activePolls} polls on ${engineSockets} sockets`,
    `lag ${lagMs.toFixed(0)} ms`,
    health,
  ].join(', ');
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
});
