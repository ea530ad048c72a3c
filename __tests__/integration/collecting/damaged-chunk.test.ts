import { expect, test } from '@jest/globals';
import { CHUNK_BYTES } from '../../../src/simulators/engine/index.js';
import { withCollector } from '../../support/collecting/index.js';

const FIRST = 'a'.repeat(CHUNK_BYTES);
const SECOND = 'b'.repeat(CHUNK_BYTES);
const BEFORE = 5;

test('an old Engine that passes over a chunk in the middle of a line shows it as a shorter one: the loss is named', async () => {
  await withCollector({ profile: '20.10' }, async (world) => {
    const web = world.engine.addContainer({ name: 'web' });
    for (let i = 0; i < BEFORE; i++) web.writeLine('stdout', `before ${i}`);
    await world.start();
    await world.caughtUp();
    web.writeChunk('stdout', `${FIRST}${SECOND}the last `);
    web.log.corrupt(-1, 'wrong_time');
    const next = web.log.nextSequence;
    web.writeLine('stderr', 'between');
    web.writeLine('stdout', 'chunk');
    web.writeLine('stdout', 'behind');
    await world.caughtUp();
    web.die(0);
    await world.drained();
    await world.stop();

    expect(world.loki.entries().map(({ line }) => line)).toContain(`${FIRST}the last chunk`);
    const accounts = await world.accounts({
      destructions: () => [{ first: next - 1, last: next - 1, next }],
    });
    const kept = { written: BEFORE + 3, inLoki: BEFORE + 2, named: 1, gaps: 1, lost: 0, twice: 0 };
    expect(accounts.get(web.id)).toMatchObject({ ...kept, unknown: 0 });
    // Without damage it would be a line that nobody wrote.
    expect((await world.accounts()).get(web.id)).toMatchObject({ ...kept, inLoki: BEFORE + 3, unknown: 1 });
  });
});
