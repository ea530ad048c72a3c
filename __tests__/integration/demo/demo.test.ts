import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { demo } from '../../../src/commands/demo.js';
import { readDemoOptions, type DemoTexts } from '../../../src/commands/demo/options.js';
import { startLokiSimulator } from '../../../src/simulators/loki/index.js';
import type { EngineSimulator } from '../../../src/simulators/engine/index.js';
import { recordedOutput, type RecordedOutput } from '../../support/commands/recorded-output.js';
import { readDemoReport } from '../../support/demo-report.js';
import { pushToLoki } from '../../support/loki-push.js';
import { withEngine } from '../../support/simulated-engine.js';
import { until } from '../../support/until.js';

const MINUTES = 5 * 60_000;
const before = process.env['TMPDIR'];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
  process.env['TMPDIR'] = folder;
});
afterEach(async () => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  // Whatever a demo did: nothing of it is left.
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

interface Played {
  readonly code: number;
  readonly said: string;
}

/** Plays a demo, and meanwhile something else; what that does wrong is told once the demo is over. */
async function play(
  texts: DemoTexts,
  env: NodeJS.ProcessEnv,
  meanwhile: (output: RecordedOutput) => Promise<void> = () => Promise.resolve(),
): Promise<Played> {
  const output = recordedOutput();
  let over = false;
  const playing = demo(readDemoOptions(texts), env, output).finally(() => (over = true));
  const [played, disturbed] = await Promise.allSettled([playing, meanwhile(output)]);
  expect(over).toBe(true);
  if (disturbed.status === 'rejected') throw disturbed.reason;
  if (played.status === 'rejected') throw played.reason;
  return { code: played.value, said: output.stdout() };
}

interface LokiEntry {
  readonly labels: Record<string, string>;
  readonly stamp: string;
  readonly line: string;
  readonly metadata: Record<string, string>;
}

/** The entries of the simulated Loki that the demo says it has started, once there are some. */
async function entriesIn(output: RecordedOutput): Promise<{ url: string; entries: LokiEntry[] }> {
  let entries: LokiEntry[] = [];
  let url = '';
  const read = async (): Promise<boolean> => {
    url = /Loki {4}simulated at (\S+),/.exec(output.stdout())?.[1] ?? '';
    if (url === '') return false;
    const dump = await (await fetch(`${url}/_simulator/entries`)).text();
    const lines = dump.split('\n').filter(Boolean);
    entries = lines.map((line) => JSON.parse(line) as LokiEntry);
    return entries.length > 0;
  };
  await until('Loki has lines', read, { instead: () => output.stdout() });
  return { url, entries };
}

describe('with simulators in processes of their own', () => {
  test(
    'every line is accounted for, whatever the containers do, and the exit code is 0',
    async () => {
      const { code, said } = await play({ seconds: '6', rate: '400', simulate: true, seed: '5' }, {});
      const { figures, verdict } = readDemoReport(said);
      expect({ code, verdict }).toEqual({
        code: 0,
        verdict: expect.stringMatching(/^It holds: all \d+ lines/),
      });
      expect(figures).toMatchObject({ lost: 0, twice: 0, rejected: 0, 'Engine sockets open': 0 });
      expect(figures['lines in Loki']! + figures['named as lost']!).toBe(figures['lines written']);
      expect(figures['lines written']).toBeGreaterThan(400);
      expect(figures).not.toHaveProperty('never written');
      expect(said).toMatch(/the Engine itself counts 0\n/);
      // Not a terminal: nothing steers one.
      expect(said).not.toContain('\u001b');
    },
    MINUTES,
  );

  test(
    'a line that Loki has lost: it is named, and the exit code is 7',
    async () => {
      let lost: LokiEntry | undefined;
      const { code, said } = await play({ seconds: '3', simulate: true }, {}, async (output) => {
        const { url, entries } = await entriesIn(output);
        lost = entries[0];
        const answer = await fetch(`${url}/_simulator/entries?limit=1`, { method: 'DELETE' });
        expect(await answer.json()).toEqual({ lost: 1 });
      });
      const { figures, verdict } = readDemoReport(said);
      expect(code).toBe(7);
      expect(figures).toMatchObject({ lost: 1, twice: 0, 'named as lost': 0, 'Engine sockets open': 0 });
      expect(figures['lines in Loki']).toBe(figures['lines written']! - 1);
      expect(verdict).toMatch(/^It does not hold:\n {2}- 1 line is lost/);
      expect(said).toContain(`    ${lost!.labels['container']} ${lost!.labels['stream']} `);
    },
    MINUTES,
  );

  test(
    'a line that is there twice, and one that nobody wrote: both are named, and the exit code is 7',
    async () => {
      const { code, said } = await play({ seconds: '3', simulate: true }, {}, async (output) => {
        const { url, entries } = await entriesIn(output);
        const [copied] = entries;
        const { labels, metadata, line } = copied!;
        const { container_id: id } = metadata;
        const stamp = BigInt(copied!.stamp);
        const written = Object.entries({ ...labels, copy: 'yes' })
          .filter(([name]) => name !== 'service_name')
          .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
        const { status } = await pushToLoki(url, [
          {
            labels: `{${written.join(', ')}}`,
            entries: [
              { stamp, line, metadata: { container_id: id! } },
              { stamp: stamp + 1n, line: 'out of thin air', metadata: { container_id: id! } },
            ],
          },
        ]);
        expect(status).toBe(204);
      });
      const { figures, verdict } = readDemoReport(said);
      expect(code).toBe(7);
      expect(figures).toMatchObject({ lost: 0, twice: 1, 'never written': 1 });
      expect(figures['lines in Loki']).toBe(figures['lines written']! + 2);
      expect(verdict).toContain('- 1 line is in Loki twice');
      expect(verdict).toContain('- 1 line is in Loki that nobody wrote');
      expect(said).toContain('out of thin air');
    },
    MINUTES,
  );
});

describe('with an Engine that is there', () => {
  /** Lines from before the demo, and how many the demo must account for. */
  async function withTalkers(
    use: (engine: EngineSimulator, talk: () => number) => Promise<void>,
  ): Promise<void> {
    await withEngine({}, async (engine) => {
      const plain = engine.addContainer({ name: 'plain' });
      const open = engine.addContainer({ name: 'open', driver: 'local' });
      const ended = engine.addContainer({ name: 'ended' });
      engine.addContainer({ name: 'never-started', started: false });
      engine.addContainer({ name: 'unreadable', driver: 'none' });
      for (let n = 0; n < 500; n++) plain.writeLine(n % 3 === 0 ? 'stderr' : 'stdout', `before ${n}`);
      ended.writeLine('stdout', 'said before');
      ended.die();
      // Begun before the demo, ended in it: a line of the demo.
      open.writeLine('stdout', 'said before');
      open.writeChunk('stdout', 'x'.repeat(20_000));
      let round = 0;
      await use(engine, () => {
        const lines = 20;
        if (round === 0) open.writeChunk('stdout', ' and its end\n');
        else open.writeLine('stderr', `round ${round}`);
        for (let n = 1; n < lines; n++)
          plain.writeLine(n % 2 === 0 ? 'stderr' : 'stdout', `in ${round} ${n}`);
        round++;
        return lines;
      });
    });
  }

  test(
    'what its containers write in the time of the demo, and nothing of before, is in Loki',
    async () => {
      await withTalkers(async (engine, talk) => {
        let written = 0;
        const env = { DOCKER_HOST: `unix://${engine.socketPath}` };
        const { code, said } = await play({ seconds: '4' }, env, async (output) => {
          await until('the collector runs', () => output.stdout().includes('Status'));
          for (let round = 0; round < 10; round++) {
            written += talk();
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          const born = engine.addContainer({ name: 'born' });
          born.writeLine('stdout', 'first and last words');
          born.die();
          written++;
        });
        const { figures, verdict } = readDemoReport(said);
        expect(verdict).toMatch(/^It holds/);
        expect(code).toBe(0);
        expect(figures).toMatchObject({
          'lines written': written,
          'lines in Loki': written,
          lost: 0,
          twice: 0,
          'Engine sockets open': 0,
        });
        expect(figures).not.toHaveProperty('not to be checked');
        expect(engine.connections().open).toBe(0);
        expect(engine.requests.violations).toEqual([]);
      });
    },
    MINUTES,
  );

  test(
    'a rotation in the time of the demo takes nothing from the account',
    async () => {
      await withEngine({}, async (engine) => {
        const rotating = engine.addContainer({
          name: 'rotating',
          rotation: { maxSize: { entries: 50 }, maxFiles: 2, compress: true },
        });
        for (let n = 0; n < 70; n++) rotating.writeLine('stdout', `before ${n}`);
        let written = 0;
        const env = { DOCKER_HOST: `unix://${engine.socketPath}` };
        const { code, said } = await play({ seconds: '5' }, env, async (output) => {
          await until('the collector runs', () => output.stdout().includes('Status'));
          // Slower than it is polled: each line is read before it is rotated away.
          for (; written < 300; written++) {
            rotating.writeLine('stdout', `in ${written}`);
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
        });
        const { figures, verdict } = readDemoReport(said);
        expect(verdict).toMatch(/^It holds/);
        expect(code).toBe(0);
        // What is no longer in the Engine's log, Loki alone has; unless a busy machine let a poll come too late.
        const { 'lines written': left = 0, 'not to be checked': rotated = 0 } = figures;
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThanOrEqual(100);
        const isWhole = left + rotated === written;
        expect(isWhole || /[1-9]\d* gaps? (?:is|are) marked/.test(said)).toBe(true);
      });
    },
    MINUTES,
  );

  test(
    'Loki refuses lines: they are counted with its words, and the exit code is 7',
    async () => {
      const loki = await startLokiSimulator({ limits: { maxLineBytes: 100 } });
      try {
        await withTalkers(async (engine, talk) => {
          const env = { DOCKER_HOST: `unix://${engine.socketPath}`, LOKI_URL: loki.url };
          const { code, said } = await play({ seconds: '2' }, env, async (output) => {
            await until('the collector runs', () => output.stdout().includes('Status'));
            talk();
          });
          const { figures, verdict } = readDemoReport(said);
          expect(figures).toMatchObject({ 'lines written': 20, 'lines in Loki': 19, rejected: 1, lost: 0 });
          expect(said).toMatch(/rejected +1 {3}.*Max entry size/i);
          expect(verdict).toMatch(/1 line was refused by Loki/);
          expect(code).toBe(7);
        });
      } finally {
        await loki.close();
      }
    },
    MINUTES,
  );

  test(
    'nobody says anything: it says so, and proves nothing',
    async () => {
      await withEngine({}, async (engine) => {
        engine.addContainer({ name: 'silent' });
        const { code, said } = await play({ seconds: '1' }, { DOCKER_HOST: `unix://${engine.socketPath}` });
        const { figures, verdict } = readDemoReport(said);
        expect(code).toBe(0);
        expect(verdict).toMatch(/^Nothing was written, so nothing is proved\.[^]*--simulate/);
        expect(figures).toMatchObject({ 'lines written': 0, 'lines in Loki': 0, 'Engine sockets open': 0 });
      });
    },
    MINUTES,
  );
});
