import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import {
  startEngineSimulator,
  type EngineSimulator,
  type SimulatedContainer,
} from '../../../src/simulators/engine/index.js';
import {
  startLokiSimulator,
  type LokiSimulator,
  type LokiVersion,
} from '../../../src/simulators/loki/index.js';
import { accountsOf, type ContainerAccount } from '../../support/collecting/index.js';
import { pushToLoki } from '../../support/loki-push.js';
import { ManualClock } from '../../support/manual-clock.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;
const LINE = 'web 13 out';
const clock = new ManualClock(NOW);

let folder: string;
let rejectedFile: string;
let engine: EngineSimulator;
let loki: LokiSimulator;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'accounts-'));
  rejectedFile = join(folder, 'rejected.jsonl');
  writeFileSync(rejectedFile, '');
  engine = await startEngineSimulator({ profile: '24', clock, socketPath: join(folder, 'docker.sock') });
});

afterEach(async () => {
  await loki.close();
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** Two containers of one name, one after the other, write the same line at the same nanosecond of a clock set back. */
async function writtenTwice(version: LokiVersion = '3.5'): Promise<[SimulatedContainer, SimulatedContainer]> {
  loki = await startLokiSimulator({ clock, version });
  const [first, second] = ['a', 'b'].map((digit) => {
    const container = engine.addContainer({ name: 'web', id: digit.repeat(64) });
    container.writeLine('stdout', LINE, NOW);
    container.stop();
    container.remove();
    return container;
  });
  return [first as SimulatedContainer, second as SimulatedContainer];
}

async function push({ id }: SimulatedContainer, line = LINE, container = 'web'): Promise<void> {
  const labels = `{container="${container}", stream="stdout"}`;
  const entries = [{ stamp: NOW, line, metadata: { container_id: id } }];
  expect((await pushToLoki(loki.url, [{ labels, entries }])).status).toBe(204);
}

async function accountOf({ id }: SimulatedContainer): Promise<ContainerAccount> {
  const accounts = await accountsOf({ engine, loki, rejectedFile, mayLack: () => false });
  return accounts.get(id) as ContainerAccount;
}

test('a line that Loki folded into an equal one of another container is one that it keeps as one', async () => {
  const [first, second] = await writtenTwice();
  await push(first);
  await push(second);
  await push(second);
  expect(loki.entries()).toHaveLength(1);
  expect(await accountOf(first)).toMatchObject({ written: 1, inLoki: 1, folded: 0, lost: 0, twice: 0 });
  expect(await accountOf(second)).toMatchObject({ written: 1, inLoki: 0, folded: 1, lost: 0, twice: 0 });
});

test('a line that was never pushed is lost, also where Loki has an equal one of another container', async () => {
  const [first, second] = await writtenTwice();
  await push(first);
  expect(await accountOf(second)).toMatchObject({ written: 1, inLoki: 0, folded: 0, lost: 1 });
});

test('a line that was pushed is in Loki by itself where the other one is in another stream, or metadata count', async () => {
  const [first, second] = await writtenTwice();
  await push(first);
  await push(second, LINE, 'other');
  expect(await accountOf(second)).toMatchObject({ written: 1, inLoki: 1, folded: 0, lost: 0 });
  await loki.close();
  loki = await startLokiSimulator({ clock, version: '3.7' });
  await push(first);
  await push(second);
  expect(await accountOf(second)).toMatchObject({ written: 1, inLoki: 1, folded: 0, lost: 0 });
});

test('a line that Loki folded, and then lost with the one it was folded into, is lost', async () => {
  const [first, second] = await writtenTwice();
  await push(first);
  await push(second);
  loki.lose(1);
  expect(await accountOf(second)).toMatchObject({ inLoki: 0, folded: 0, lost: 1 });
});
