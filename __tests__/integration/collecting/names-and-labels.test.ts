import { describe, expect, jest, test } from '@jest/globals';
import type { FaultTarget, SimulatedContainer } from '../../../src/simulators/engine/index.js';
import { withCollector, type CollectingWorld, type Settings } from '../../support/collecting/index.js';
import { until } from '../../support/until.js';

jest.setTimeout(120_000);

/** Lists come only when something asks for them. */
const RARE_LISTS: Settings = { docker: { timeout: '30s' }, discovery: { list_interval: '10m' } };

/** The distinct values of a label over all entries in Loki. */
function valuesOf({ loki }: CollectingWorld, label: string): (string | undefined)[] {
  return [...new Set(loki.entries().map(({ labels }) => labels[label]))];
}

function texts({ loki }: CollectingWorld): string[] {
  return loki.entries().map(({ line }) => line);
}

/** Waits until the Engine was asked for events again and again, and for no list. */
async function quiet({ engine }: CollectingWorld): Promise<void> {
  let lists = -1;
  let events = 0;
  await until('no list is wanted', () => {
    const now = engine.requests.of('list').length;
    if (now !== lists) {
      lists = now;
      events = engine.requests.of('events').length;
    }
    return lists > 0 && engine.requests.of('events').length >= events + 4;
  });
}

describe('labels of a container that have the names of event attributes', () => {
  const own = {
    name: 'shop',
    image: 'base',
    exitCode: 'never',
    signal: 'green',
    execDuration: 'long',
    oldName: 'store',
  };
  const fromContainer = {
    app: 'name',
    base: 'image',
    code: 'exitCode',
    light: 'signal',
    duration: 'execDuration',
    former: 'oldName',
  };

  test('are the labels of its stream from the first line on, and after a restart of Pollard', async () => {
    const settings = { ...RARE_LISTS, labels: { from_container: fromContainer } };
    await withCollector({ settings }, async (world) => {
      world.engine.addContainer({ name: 'other' });
      await world.start();
      await quiet(world);
      const shop = world.engine.addContainer({ name: 'shop-1', labels: own });
      for (let i = 0; i < 10; i++) shop.writeLine('stdout', `line ${i}`);
      await world.caughtUp();
      await world.stop();
      await world.start();
      for (let i = 10; i < 20; i++) shop.writeLine('stdout', `line ${i}`);
      await until('all lines are stored', () => texts(world).length >= 20);
      expect(texts(world)).toHaveLength(20);
      for (const [label, source] of Object.entries(fromContainer)) {
        expect([label, valuesOf(world, label)]).toEqual([label, [own[source as keyof typeof own]]]);
      }
      expect(valuesOf(world, 'container')).toEqual(['shop-1']);
      expect(valuesOf(world, 'image')).toEqual(['busybox:latest']);
    });
  });

  test('an attribute of an event is not taken for a label that the container does not have', async () => {
    const settings = { ...RARE_LISTS, labels: { from_container: { app: 'name', id: 'execID' } } };
    await withCollector({ settings }, async (world) => {
      world.engine.addContainer({ name: 'other' });
      await world.start();
      await quiet(world);
      const shop = world.engine.addContainer({ name: 'shop-1' });
      shop.exec();
      shop.writeLine('stdout', 'line');
      await world.caughtUp();
      expect(valuesOf(world, 'app')).toEqual([undefined]);
      expect(valuesOf(world, 'id')).toEqual([undefined]);
    });
  });
});

describe('a container that is created under a temporary name, renamed and started at once', () => {
  const LINES = Array.from({ length: 20 }, (_, i) => `line ${i}`);

  /** Holds back the next answer. Returns how it is sent; and a promise that it was asked for. */
  function hold(
    { engine }: CollectingWorld,
    target: FaultTarget,
  ): { release: () => void; asked: () => Promise<void> } {
    let release = (): void => undefined;
    const struck = engine.faultsStruck;
    engine.fault(
      { ...target, times: 1 },
      { kind: 'hold', release: new Promise<void>((resolve) => (release = resolve)) },
    );
    const asked = () => until('what is held back was asked for', () => engine.faultsStruck > struck);
    return { release: () => release(), asked };
  }

  /** The containers `other`, and one as docker compose makes it anew: created and listed. */
  async function created(world: CollectingWorld): Promise<SimulatedContainer> {
    const other = world.engine.addContainer({ name: 'other' });
    await world.start();
    await quiet(world);
    const web = world.engine.addContainer({ name: 'abc123_web-1', started: false });
    // Has everything listed.
    other.rename('another');
    await until('it is listed', () => world.service.containers().some(({ life }) => life === 'waiting'));
    await quiet(world);
    return web;
  }

  function renameAndStart(web: SimulatedContainer): void {
    web.rename('web-1');
    web.start();
    for (const line of LINES.slice(0, 10)) web.writeLine('stdout', line);
  }

  async function expectOneName(world: CollectingWorld, web: SimulatedContainer): Promise<void> {
    for (const line of LINES.slice(10)) web.writeLine('stdout', line);
    await until('all lines are stored', () => texts(world).length >= LINES.length);
    expect(texts(world).sort()).toEqual([...LINES].sort());
    expect(valuesOf(world, 'container')).toEqual(['web-1']);
    expect(world.service.containers().map(({ name }) => name)).toContain('web-1');
  }

  test('no answer is late', async () => {
    await withCollector({ settings: RARE_LISTS }, async (world) => {
      const web = await created(world);
      renameAndStart(web);
      await expectOneName(world, web);
    });
  });

  test('a list was asked for before the rename and is answered long after it', async () => {
    await withCollector({ settings: RARE_LISTS }, async (world) => {
      const web = await created(world);
      const list = hold(world, { endpoint: 'list' });
      world.engine.find('another')?.rename('third');
      await list.asked();
      renameAndStart(web);
      await until('some lines are stored', () => texts(world).length >= 10);
      list.release();
      await quiet(world);
      await expectOneName(world, web);
    });
  });

  test('it was inspected before a rename while it runs, and the answer comes after the rename is known', async () => {
    await withCollector({ settings: RARE_LISTS }, async (world) => {
      const web = await created(world);
      const inspect = hold(world, { endpoint: 'inspect', container: web.id });
      web.start();
      await inspect.asked();
      const events = world.engine.requests.of('events').length;
      web.rename('web-1');
      await until('the rename is known', () => world.engine.requests.of('events').length > events + 2);
      for (const line of LINES.slice(0, 10)) web.writeLine('stdout', line);
      inspect.release();
      await until('some lines are stored', () => texts(world).length >= 10);
      await expectOneName(world, web);
    });
  });

  test('it is inspected before the rename, listed after it, and the answer of inspect is the last', async () => {
    // Nothing is learned from events.
    const settings = { ...RARE_LISTS, discovery: { list_interval: '1s' } };
    await withCollector({ settings }, async (world) => {
      world.engine.fault({ endpoint: 'events' }, { kind: 'status', status: 403 });
      world.engine.addContainer({ name: 'other' });
      await world.start();
      await world.caughtUp();
      const web = world.engine.addContainer({ name: 'abc123_web-1' });
      const inspect = hold(world, { endpoint: 'inspect', container: web.id });
      await inspect.asked();
      web.rename('web-1');
      await until('it is listed', () => world.service.containers().some(({ name }) => name === 'web-1'));
      for (const line of LINES.slice(0, 10)) web.writeLine('stdout', line);
      inspect.release();
      await expectOneName(world, web);
    });
  });
});
