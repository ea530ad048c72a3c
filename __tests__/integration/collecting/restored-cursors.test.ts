import { cp, rm } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { EngineProfileName } from '../../../src/simulators/engine/index.js';
import { withCollector, type CollectingWorld } from '../../support/collecting/index.js';
import { PassingClock } from '../../support/passing-clock.js';
import { until } from '../../support/until.js';

const HOUR = 3_600_000;
const profiles: readonly EngineProfileName[] = ['20.10', '28.5'];

/** What an operator does with a stopped service. */
async function backUp({ config }: CollectingWorld): Promise<() => Promise<void>> {
  const dir = config.collector.state_dir;
  const copy = `${dir}-backup`;
  await cp(dir, copy, { recursive: true });
  return async () => {
    await rm(dir, { recursive: true });
    await cp(copy, dir, { recursive: true });
  };
}

describe.each([...profiles])(
  'a state directory that is restored from an older backup, with an Engine %s',
  (profile) => {
    test('Loki is asked for what was delivered since: nothing is lost, nothing is there twice', async () => {
      await withCollector({ profile }, async (world) => {
        const { engine, loki } = world;
        const kinds = [
          { name: 'plain' },
          { name: 'tty', tty: true },
          { name: 'local', driver: 'local' },
          { name: 'rotating', rotation: { maxSize: { entries: 400 }, maxFiles: 9, compress: true } },
          { name: 'removed' },
        ].map((options) => engine.addContainer(options));
        const all = (): typeof kinds => kinds.filter(({ removed }) => !removed);
        /** More than Loki has in a block that is still open: not all that came again would be folded. */
        const speak = (part: string): void => {
          for (const container of all()) {
            for (let i = 0; i < 500; i++) {
              const stream = i % 3 === 0 && !container.tty ? 'stderr' : 'stdout';
              container.writeLine(stream, `${part} ${i} `.padEnd(800, 'x'));
            }
            container.writeChunk('stdout', `${part} an open line, `);
          }
        };
        await world.start();
        speak('before the backup');
        await world.caughtUp();
        await world.stop();
        const restore = await backUp(world);

        await world.start();
        speak('behind the backup');
        await world.caughtUp();
        const late = engine.addContainer({ name: 'late' });
        late.writeLine('stdout', 'not known to the backup');
        engine.find('removed')?.stop();
        await world.caughtUp();
        await until('its end was read', () =>
          world.service.containers().some(({ life }) => life === 'drained'),
        );
        engine.find('removed')?.remove();
        await world.stop();
        const { strictDuplicates } = loki.counts();
        expect(strictDuplicates).toBe(0);

        await restore();
        await world.start();
        speak('behind the restoration');
        for (const container of engine.containers) container.stop();
        await world.drained();
        await world.stop();

        // Of what Loki has, nothing was sent again.
        expect(loki.counts()).toMatchObject({ strictDuplicates: 0, twice: 0, refused: {} });
        const accounts = [...(await world.accounts()).values()];
        expect(
          accounts.map(({ name, lost, twice, unknown, rejected, marks }) => ({
            name,
            lost,
            twice,
            unknown,
            rejected,
            marks,
          })),
        ).toEqual(
          accounts.map(({ name }) => ({ name, lost: 0, twice: 0, unknown: 0, rejected: 0, marks: [] })),
        );
        // The open line of one part is ended by the first line of the next.
        const written = accounts.map(({ name, written: lines }) => `${name} ${lines}`);
        expect(written.sort()).toEqual([
          'late 1',
          'local 1501',
          'plain 1501',
          'removed 1001',
          'rotating 1501',
          'tty 1501',
        ]);
      });
    });

    test('older than Loki takes: it is there already, and nothing is sent that would be refused', async () => {
      const clock = new PassingClock();
      await withCollector({ profile, clock }, async (world) => {
        const { engine, loki } = world;
        const web = engine.addContainer({ name: 'web' });
        await world.start();
        web.writeLine('stdout', 'before the backup');
        await world.caughtUp();
        await world.stop();
        const restore = await backUp(world);
        await world.start();
        for (let look = 0; look < 5; look++) {
          clock.pass(1.5 * HOUR);
          web.writeLine('stdout', `look ${look}`);
          await world.caughtUp();
        }
        await world.stop();
        await restore();
        await world.start();
        web.writeLine('stdout', 'behind the restoration');
        await until('it goes on', () => loki.entries().some(({ line }) => line === 'behind the restoration'));
        await world.caughtUp();
        expect(loki.entries().map(({ line }) => line)).toEqual([
          'before the backup',
          ...[0, 1, 2, 3, 4].map((look) => `look ${look}`),
          'behind the restoration',
        ]);
        expect(loki.counts().refused).toEqual({});
        expect((await world.accounts()).get(web.id)).toMatchObject({
          written: 7,
          lost: 0,
          twice: 0,
          marks: [],
        });
      });
    });
  },
);
