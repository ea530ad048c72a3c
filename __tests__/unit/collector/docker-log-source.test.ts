import { expect, test } from '@jest/globals';
import { dockerLogSource } from '../../../src/collector/docker-log-source.js';
import type { LogsRequest } from '../../../src/collector/log-source.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import { engineApi, never } from '../../support/engine-api.js';
import { withEngine } from '../../support/simulated-engine.js';
import { Collected } from '../../support/wire.js';

const T = 1_700_000_000n * NS_PER_SECOND;

test.each<[string, Partial<LogsRequest>, string[]]>([
  ['all of a log', {}, ['first', 'second', 'last words']],
  ['the last entries', { tail: 2 }, ['second', 'last words']],
  ['what is not older than a stamp', { since: T + 1n }, ['second', 'last words']],
  ['whole lines only', { lastWords: false }, ['first', 'second']],
])('an Engine is asked for %s', async (_what, part, texts) => {
  await withEngine({}, async (engine) => {
    const container = engine.addContainer({ name: 'web', tty: true });
    container.writeLine('stdout', 'first', T);
    container.writeLine('stdout', 'second', T + 1n);
    container.writeChunk('stdout', 'last words', T + 2n);
    container.die();
    const { api, ledger } = engineApi(engine.socketPath);
    const read = dockerLogSource({ api, ledger, maxFrameBytes: 1_000_000, idleTimeout: 30_000 });
    const collected = new Collected();
    const request = { containerId: container.id, containerName: 'web', tty: true, signal: never, ...part };
    expect((await read(request, collected)).fault).toBeUndefined();
    expect(collected.entries.map(({ text }) => text.toString())).toEqual(texts);
    expect(ledger.open).toBe(0);
  });
});
