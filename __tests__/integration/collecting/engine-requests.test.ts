import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { EngineProfileName, RecordedRequest } from '../../../src/simulators/engine/index.js';
import { withCollector } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const ID = '[0-9a-f]{64}';

/** Each with what is asked for as a query; the README does not go so far. */
const QUERIES: Readonly<Record<string, RegExp>> = {
  '/_ping': /^$/,
  '/containers/json': /^all=1$/,
  '/containers/{id}/json': /^$/,
  '/containers/{id}/logs': /^follow=0(?:&since=[\d.]+)?&stderr=1&stdout=1(?:&tail=\d+)?&timestamps=1$/,
  '/events': /^since=[\d.]+&until=[\d.]+$/,
};

/** What the README says that the Engine is asked for. */
function promised(): string[] {
  const [, sentence = ''] = /The Engine is asked by GET only, for: (.*)\. A read-only/.exec(README) ?? [];
  return sentence.split(', ').map((path) => path.replaceAll('`', ''));
}

/** Without the version, and with {id} for an id. */
function endpointOf({ path }: RecordedRequest): string {
  return path.replace(/^\/v1\.\d+/, '').replace(new RegExp(`/${ID}/`), '/{id}/');
}

function queryOf({ query }: RecordedRequest): string {
  const sorted = Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, value]) => `${name}=${value}`).join('&');
}

test.each<EngineProfileName>(['20.10', '28.5'])(
  'in all of its life a service asks an Engine %s for what the README says, and for nothing else',
  async (profile) => {
    await withCollector({ profile }, async (world) => {
      const { engine, loki } = world;
      const tty = engine.addContainer({ name: 'tty', tty: true });
      const local = engine.addContainer({ name: 'local', driver: 'local' });
      engine.addContainer({ name: 'unreadable', driver: 'none' });
      const small = engine.addContainer({
        name: 'small',
        rotation: { maxSize: { entries: 6 }, maxFiles: 2, compress: true },
      });
      await world.start();
      for (let i = 0; i < 500; i++) for (const each of [tty, local]) each.writeLine('stdout', `line ${i}`);
      small.writeLine('stderr', 'a first line');
      const isThere = (text: string): boolean => loki.entries().some(({ line }) => line === text);
      await until('the first line is there', () => isThere('a first line'));
      await until('the last ones, too', () => loki.counts().entries === 1001);
      // A gap, an Engine that is away, a start, an end, a removal, a damaged log, a Loki that is away.
      for (let i = 0; i < 40; i++) small.writeLine('stderr', `line ${i}`);
      await until('a gap is told', async () => (await world.metric('pollard_gaps_total')) > 0);
      await engine.restartDaemon({ liveRestore: false });
      local.log.corrupt(-1, 'torn');
      local.writeLine('stdout', 'behind the restart');
      tty.stop();
      const lift = loki.outage({ status: 500 }, { forRequests: 3 });
      engine.addContainer({ name: 'late' }).writeLine('stdout', 'a late line');
      await until('the late line is there', () => isThere('a late line'));
      await until('and what came behind the restart', () => isThere('behind the restart'));
      lift();
      tty.remove();
      await until('it is seen to be gone', () =>
        world.service.containers().some(({ life }) => life === 'gone'),
      );
      await world.stop();
      await world.start();
      local.writeLine('stdout', 'to the next service');
      await until('the next service collects', () => isThere('to the next service'));
      await world.stop();

      const asked = engine.requests.all;
      expect(asked.length).toBe(engine.requests.total);
      expect(new Set(asked.map(({ method }) => method))).toEqual(new Set(['GET']));
      expect([...new Set(asked.map(endpointOf))].sort()).toEqual(promised().sort());
      const odd = asked
        .filter((request) => QUERIES[endpointOf(request)]?.test(queryOf(request)) !== true)
        .map((request) => `${request.path}?${queryOf(request)}`);
      expect(odd).toEqual([]);
      expect(engine.requests.violations).toEqual([]);
    });
  },
);
