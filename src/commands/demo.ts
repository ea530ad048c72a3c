import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LokiQueries } from '../loki/read/loki-query.js';
import { secretsOf } from '../config/secrets.js';
import { createTransport } from '../loki/transport.js';
import type { Clock } from '../model/clock.js';
import { ExitCode } from '../model/exit-codes.js';
import { joinedSignal } from '../model/joined-signal.js';
import { systemClock } from '../model/system-clock.js';
import { Cleanup } from './demo/cleanup.js';
import { collect } from './demo/collect.js';
import { DEMO_JOB, RUN_LABEL } from './demo/config.js';
import type { EngineSide } from './demo/engine-side.js';
import { LiveTally, shortId } from './demo/live-tally.js';
import { NewestLines } from './demo/newest-lines.js';
import { Notices } from './demo/notices.js';
import type { DemoOptions } from './demo/options.js';
import { realSide } from './demo/real-side.js';
import { reconcile } from './demo/reconcile.js';
import { reportLines } from './demo/report.js';
import { Show } from './demo/show.js';
import { simulatedSide } from './demo/simulated-side.js';
import { setStage, type Stage } from './demo/stage.js';
import { faultsOf, type Findings } from './demo/verdict.js';
import { painter, type Paint } from './view/paint.js';
import { isTerminal, screenFor } from './demo/view/screen.js';
import { watchReader, type Output } from './output.js';
import { stopSignals } from './stop-signals.js';
import { rejectedPath } from './wiring/loki-parts.js';
import { lokiSettings } from './wiring/loki-settings.js';
import { observeParts } from './wiring/observe-parts.js';
import { createService, type Service } from './wiring/service.js';
import type { ContainerStatus } from './wiring/status-parts.js';

/**
 * `pollard demo`: collects for a while, live, and then holds every line that was written against every line in
 * Loki. With a real Engine and a real Loki where they are, else with simulated ones.
 *
 * @returns the exit code: ok only if nothing is lost, nothing is there twice and no socket is left; else mismatch
 * @throws PollardError for what keeps it from taking place; the caller prints it
 */
export async function demo(options: DemoOptions, env: NodeJS.ProcessEnv, output: Output): Promise<number> {
  const cleanup = new Cleanup();
  // A reader that goes away (`| head`) does not end it in the middle: the exit code still tells.
  const unheard = (): void => undefined;
  output.out.on('error', unheard);
  cleanup.add(() => void output.out.off('error', unheard));
  const stop = stopSignals(new Notices([]));
  cleanup.add(() => stop.release());
  // One that would go on for ever ends with its reader, as with Ctrl-C.
  const reader = watchReader(output.out);
  cleanup.add(() => reader.release());
  const asked = joinedSignal(options.seconds === undefined ? [stop.signal, reader.signal] : [stop.signal]);
  cleanup.add(() => asked.release());
  try {
    return await play(options, env, output, asked.signal, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function play(
  options: DemoOptions,
  env: NodeJS.ProcessEnv,
  output: Output,
  asked: AbortSignal,
  cleanup: Cleanup,
): Promise<number> {
  const clock = systemClock;
  const { out } = output;
  const paint = painter(isTerminal(out, env), env);
  const screen = screenFor(out, env, paint);
  const folder = await mkdtemp(join(tmpdir(), 'pollard-demo-'));
  // Also when a second signal ends the process at once.
  const leave = (): void => {
    screen.close();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave);
  cleanup.add(() => {
    process.off('exit', leave);
    leave();
  });

  const run = randomBytes(4).toString('hex');
  const labels = { job: DEMO_JOB, [RUN_LABEL]: run };
  const begunAt = clock.now();
  const stage = await setStage({ options, env, folder, run, clock, signal: asked }, cleanup);
  const { config, broken } = stage;
  const notices = new Notices(secretsOf(config), (text) => screen.notice(text));
  const side = await sideOf(stage, options, clock, notices);
  await side.begin(broken);

  const observe = observeParts(config, clock, notices);
  const tally = new LiveTally();
  const command = 'pollard demo';
  const transport = await createTransport(lokiSettings(config));
  cleanup.add(() => transport.close());
  const service = await createService({
    config,
    clock,
    random: Math.random,
    observe,
    command,
    witness: tally,
  });
  const queries = new LokiQueries({ transport, clock, random: Math.random });
  const newest = new NewestLines(queries, labels, clock);
  const pushes = () => observe.metrics.pushTotals();
  const show = new Show({ screen, service, tally, newest, notices, pushes, clock });

  out.write(`${headLines(stage, service, options).join('\n')}\n\n`);
  const collectBegun = clock.monotonic();
  const context = { options, service, side, show, newest, tally, clock, asked };
  const left = await collect(context, broken);

  if (isTerminal(out, env)) out.write(noticeLines(notices, paint));
  out.write('\nreading everything back ...\n\n');
  const account = await side.account((id) => tally.of(id).lines, broken);
  const { written, canBeChecked } = account;
  const rejectedFile = rejectedPath(config);
  const reconciling = {
    written,
    canBeChecked,
    transport,
    clock,
    random: Math.random,
    labels,
    begunAt,
    rejectedFile,
  };
  const lines = await reconcile({ ...reconciling, patient: !stage.simulatedLoki }, broken);
  const { opened, open, peak } = service.ledger;
  const findings: Findings = {
    lines,
    unread: [...left.map(notRead), ...account.unread],
    engineView: await side.view(),
    sockets: { opened, open: open + side.openSockets, peak },
    seconds: (clock.monotonic() - collectBegun) / 1000,
  };
  const known = new Map(service.containers().map(({ id, name }) => [id, name]));
  const names = {
    written: `by ${account.containers} containers, ${side.witness}`,
    inLoki: `read back from ${stage.simulatedLoki ? 'the simulated Loki' : 'Loki'}, page by page`,
    container: (id: string) => known.get(shortId(id)) ?? shortId(id),
  };
  out.write(`${reportLines(findings, names, paint).join('\n')}\n`);
  return faultsOf(findings).length === 0 ? ExitCode.ok : ExitCode.mismatch;
}

async function sideOf(
  { simulatedEngine, config }: Stage,
  options: DemoOptions,
  clock: Clock,
  notices: Notices,
): Promise<EngineSide> {
  return simulatedEngine === undefined
    ? await realSide(config, clock, notices)
    : simulatedSide(simulatedEngine, options.containers, clock);
}

/** In the table each was drawn over by the next. */
function noticeLines({ last, count }: Notices, paint: Paint): string {
  if (count === 0) return '';
  const head = last.length < count ? `the last ${last.length} of ${count} warnings:` : 'warnings:';
  return `\n${[head, ...last.map((text) => `  ! ${text}`)].map((line) => paint('yellow', line)).join('\n')}\n`;
}

function headLines({ said }: Stage, { url }: Service, { seconds }: DemoOptions): string[] {
  return [
    'pollard demo: containers write, Pollard polls, Loki keeps; at the end every line is accounted for.',
    '',
    `  Engine  ${said.engine}`,
    `  Loki    ${said.loki}`,
    ...(url === undefined ? [] : [`  Status  ${url}/status, /metrics and /healthz, while it runs`]),
    ...(seconds === undefined ? ['  Ctrl-C ends it with the account, a second one at once.'] : []),
  ];
}

function notRead({ name, last_error: error, life }: ContainerStatus): Findings['unread'][number] {
  return { container: name, reason: error ?? `the collector was not done with it in time (${life})` };
}
