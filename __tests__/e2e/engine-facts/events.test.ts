import { expect, jest, test } from '@jest/globals';
import { createContainer, describeOwnEngines, runContainer, runToEnd } from '../../support/engines/index.js';

// What Pollard takes for granted about a real Engine: see since-and-tail.test.ts.

jest.setTimeout(120_000);

const RING = 256;

interface Event {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}
interface TimedEvent extends Event {
  /** JSON.parse would round it. */
  readonly nano: bigint;
}

describeOwnEngines('Engine facts: events', (engine) => {
  /** Everything up to now; the answer ends by itself, since `until` is no time of the future. */
  const events = async (query: Record<string, string> = {}): Promise<TimedEvent[]> => {
    // The Engine's clock is this machine's. Rounded up to the millisecond that every past event lies before.
    const now = asSince(BigInt(Date.now() + 1) * 1_000_000n);
    const search = new URLSearchParams({ since: '0', until: now, ...query });
    const { status, body } = await engine().api.send('GET', `/events?${search.toString()}`);
    expect(status).toBe(200);
    const lines = body.toString('utf8').split('\n').filter(Boolean);
    return lines.map((text) => ({
      ...(JSON.parse(text) as Event),
      nano: BigInt(/"timeNano":(\d+)/.exec(text)![1]!),
    }));
  };
  const asSince = (nano: bigint): string =>
    `${nano / 1_000_000_000n}.${String(nano % 1_000_000_000n).padStart(9, '0')}`;

  test('tell the life of a container, with exit code, old name, labels and image', async () => {
    const container = await runToEnd(engine(), { cmd: 'exit 3', name: 'one', labels: { app: 'shop' } });
    await container.rename('two');
    await container.remove();
    const mine = await events({ filters: JSON.stringify({ container: [container.id] }) });
    const actions = mine.map((event) => event.Action);
    const wanted = ['create', 'start', 'die', 'rename', 'destroy'];
    expect(actions.filter((action) => wanted.includes(action))).toEqual(wanted);
    const attributes = (action: string): unknown =>
      mine.find((event) => event.Action === action)?.Actor.Attributes;
    expect(attributes('die')).toMatchObject({ exitCode: '3' });
    expect(attributes('rename')).toMatchObject({ oldName: '/one', name: 'two' });
    for (const action of ['start', 'destroy']) {
      expect(attributes(action)).toMatchObject({ app: 'shop', image: 'pollard-test:busybox' });
    }
  });

  test('both ends of the range are inclusive to the nanosecond: the last seen event is its own proof', async () => {
    const container = await createContainer(engine(), { cmd: 'true' });
    for (const name of ['a1', 'a2', 'a3', 'a4']) await container.rename(name);
    const mine = { filters: JSON.stringify({ container: [container.id] }) };
    const all = await events(mine);
    const from = all.at(-3)!.nano;
    const names = async (query: Record<string, string>): Promise<(string | undefined)[]> =>
      (await events({ ...mine, ...query })).map((event) => event.Actor.Attributes['name']);
    expect(await names({ since: asSince(from) })).toEqual(['a2', 'a3', 'a4']);
    expect(await names({ since: asSince(from + 1n) })).toEqual(['a3', 'a4']);
    expect(await names({ until: asSince(from), since: asSince(from) })).toEqual(['a2']);
  });

  test('stand in a ring of 256 of all types, filtered afterwards; it is empty after a restart', async () => {
    const noisy = await runContainer(engine(), { cmd: 'sleep 1000' });
    await noisy.exec('true');
    const container = await createContainer(engine(), { cmd: 'true', name: 'n0' });
    const created = JSON.stringify({ event: ['create'], container: [container.id] });
    expect(await events({ filters: created })).toHaveLength(1);
    for (let n = 1; n <= RING; n++) await container.rename(`n${n}`);

    const all = await events();
    expect(all).toHaveLength(RING);
    expect(all.at(-1)?.Actor.Attributes).toMatchObject({ name: `n${RING}`, oldName: `/n${RING - 1}` });
    expect(all[0]?.Actor.Attributes).toMatchObject({ name: 'n1', oldName: '/n0' });
    // Overrun: a query that filters shows nothing of the loss.
    expect(await events({ filters: created })).toEqual([]);

    // Execs of a health check crowd out the rest as well.
    await noisy.exec('true');
    const execs = (await events()).filter((event) => event.Action.startsWith('exec_'));
    expect(execs.length).toBeGreaterThanOrEqual(2);
    expect(await events()).toHaveLength(RING);

    await noisy.remove();
    const last = (await events()).at(-1)!.nano;
    await engine().restart();
    const after = await events();
    expect(after.filter((event) => event.nano <= last)).toEqual([]);
    expect(after.filter((event) => event.Actor.ID === container.id)).toEqual([]);
  });
});
