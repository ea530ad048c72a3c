import { describe, expect, test } from '@jest/globals';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSite, type Site } from '../../support/commands/site.js';
import { withSmallDisk } from '../../support/small-disk.js';
import { until } from '../../support/until.js';

const NEXT = /free space \(or inodes\) on the file system of collector\.state_dir/;
const PAGE = 4096;

/** Leaves no room on the disk; returns how to make room again. */
function fill(disk: string): () => void {
  const filler = join(disk, 'filler');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc(Math.floor((bavail * bsize) / PAGE) * PAGE));
  return () => rmSync(filler);
}

function stateOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as { state: string }).state;
}

/** A site whose state directory is on a disk of its own, of 64 KiB. */
async function withFullDisk(use: (site: Site, disk: string) => Promise<void>): Promise<void> {
  await withSmallDisk(64, async (disk) => {
    const settings = { 'collector.state_dir': join(disk, 'state'), start: 'beginning' };
    await withSite({ settings }, async (site) => await use(site, disk));
  });
}

describe('a full disk under the cursors', () => {
  test('at start: the service waits for room and then collects; the others say so and end', async () => {
    await withFullDisk(async (site, disk) => {
      const container = site.engine.addContainer({ name: 'web' });
      container.writeLine('stdout', 'line');
      const free = fill(disk);

      const catchUp = await site.pollard(['catch-up']);
      expect(catchUp).toMatchObject({ code: 8, stdout: '' });
      expect(catchUp.stderr).toMatch(/ENOSPC/);
      expect(catchUp.stderr).toMatch(NEXT);
      const check = await site.pollard(['check', '--ascii']);
      expect(check.code).toBe(8);
      expect(check.stdout).toMatch(/^FAILED state directory .*ENOSPC/m);
      expect(check.stdout).toMatch(NEXT);
      const reset = await site.pollard(['cursors', 'reset', 'web', '--to', 'end']);
      expect(reset).toMatchObject({ code: 8, stdout: '' });
      expect(reset.stderr).toMatch(NEXT);

      const service = site.launch(['run']);
      const record = await service.logged('before there is room on the disk');
      expect(JSON.stringify(record)).toMatch(NEXT);
      expect(record).toMatchObject({ level: 'error', error: { setting: 'collector.state_dir' } });
      free();
      await service.ready();
      await site.untilStored(1);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    });
  });

  test('at start: a signal ends the waiting', async () => {
    await withFullDisk(async (site, disk) => {
      fill(disk);
      const service = site.launch(['run']);
      await service.logged('before there is room on the disk');
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    });
  });

  test('while the service runs: told once, nothing lost; with room all heals, and nothing is there twice', async () => {
    await withFullDisk(async (site, disk) => {
      const container = site.engine.addContainer({ name: 'web' });
      container.writeLine('stdout', 'first');
      const service = await site.run();
      await site.untilStored(1);
      await until('its cursor is written', async () => {
        const { stdout } = await site.pollard(['cursors', 'list', '--json']);
        return (JSON.parse(stdout) as { cursors: unknown[] }).cursors.length === 1;
      });
      const free = fill(disk);
      for (let i = 0; i < 50; i++) container.writeLine(i % 2 === 0 ? 'stdout' : 'stderr', `line ${i}`);

      const message = 'a cursor cannot be written: nothing is lost, but positions do not move on';
      const record = await service.logged(message);
      expect(JSON.stringify(record)).toMatch(NEXT);
      expect(record).toMatchObject({ level: 'error', error: { setting: 'collector.state_dir' } });
      await site.untilStored(51);
      const unhealthy = await service.health();
      expect(unhealthy.status).toBe(503);
      expect(unhealthy.body).toMatch(/ENOSPC/);
      expect(service.said('error').filter((each) => each.message === message)).toHaveLength(1);

      free();
      container.writeLine('stdout', 'last');
      await until('it is healthy again', async () => (await service.health()).status === 200, {
        instead: () => service.lastWords(),
      });
      await site.untilStored(52);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(site.loki.entries()).toHaveLength(52);

      // What was committed in the end is behind all of it.
      const again = await site.pollard(['catch-up', '--json']);
      expect(again.code).toBe(0);
      expect(JSON.parse(again.stdout)).toMatchObject({ lines: 0 });
      expect(site.loki.entries()).toHaveLength(52);
    });
  });

  test('while catch-up runs: the lines are in Loki, and the next one has them again', async () => {
    await withFullDisk(async (site, disk) => {
      const container = site.engine.addContainer({ name: 'web' });
      container.writeLine('stdout', 'first');
      expect((await site.pollard(['catch-up'])).code).toBe(0);
      // The lock's file is there and is only written anew; a cursor takes a new file. The mark of an end in order would
      // make room for it when it is removed at the start.
      rmSync(join(disk, 'state', 'ended-in-order'));
      const free = fill(disk);
      for (let i = 0; i < 30; i++) container.writeLine('stdout', `line ${i}`);
      const { code, stdout } = await site.pollard(['catch-up']);
      expect(code).toBe(8);
      expect(stdout).toMatch(/^failed +web: cannot write the cursor .*ENOSPC.*\n +-> \S/m);
      expect(stdout).toMatch(NEXT);
      free();
      const again = await site.pollard(['catch-up', '--json']);
      expect(again.code).toBe(0);
      expect(site.loki.entries()).toHaveLength(31);
    });
  });

  test('under the rejected-lines file: what Loki accepts goes on, the others are counted; with room all heals', async () => {
    await withSmallDisk(256, async (disk) => {
      const settings = { 'rejected.file': join(disk, 'rejected.jsonl'), start: 'beginning' };
      await withSite({ settings, loki: { limits: { maxLineBytes: 2000 } } }, async (site) => {
        const container = site.engine.addContainer({ name: 'web' });
        const other = site.engine.addContainer({ name: 'other' });
        const service = await site.run();
        const free = fill(disk);
        for (let i = 0; i < 5; i++) container.writeLine('stdout', `${i} ${'x'.repeat(3000)}`);
        container.writeLine('stdout', 'good');
        other.writeLine('stdout', 'good, too');
        await site.untilStored(2);
        await until(
          'the cursor has moved on',
          async () => (await service.metric('pollard_rejected_lines_not_kept_total')) === 5,
        );
        expect(await service.metric('pollard_rejected_lines_total')).toBe(5);
        const record = await service.logged(
          'Loki refuses lines (line-too-long), and no copy of them is kept',
        );
        expect(record).toMatchObject({ container: 'web', why: expect.stringMatching(/ENOSPC|is full/) });
        const degraded = await service.health();
        expect(degraded.status).toBe(200);
        expect(JSON.parse(degraded.body)).toMatchObject({
          state: 'degraded',
          parts: { rejected: { state: 'degraded' } },
        });
        expect(degraded.body).toMatch(/free space/);

        free();
        container.writeLine('stdout', `last ${'x'.repeat(3000)}`);
        await until('it is healthy again', async () => stateOf(await service.health()) === 'healthy', {
          instead: () => service.lastWords(),
        });
        await until('what is refused is kept again', () => {
          const text = readFileSync(join(disk, 'rejected.jsonl'), 'utf8');
          return /"line":"last x/.test(text);
        });
        expect(await service.stop()).toEqual({ code: 0, signal: null });
        // Nothing is read again: the cursor has moved past the lines that were counted.
        const again = await site.pollard(['catch-up', '--json']);
        expect(JSON.parse(again.stdout)).toMatchObject({ lines: 0 });
      });
    });
  });

  test('under the rejected-lines file while catch-up runs: it ends, and has delivered what Loki accepts', async () => {
    await withSmallDisk(256, async (disk) => {
      const settings = { 'rejected.file': join(disk, 'rejected.jsonl'), start: 'beginning' };
      await withSite({ settings, loki: { limits: { maxLineBytes: 2000 } } }, async (site) => {
        fill(disk);
        const container = site.engine.addContainer({ name: 'web' });
        for (let i = 0; i < 5; i++) container.writeLine('stdout', `${i} ${'x'.repeat(3000)}`);
        container.writeLine('stdout', 'good');
        const { code, stdout, stderr } = await site.pollard(['catch-up', '--json']);
        expect(code).toBe(6);
        expect(JSON.parse(stdout)).toMatchObject({ lines: 1, rejected: 5, failed: [] });
        expect(stderr).toMatch(/no copy of them is kept/);
        expect(site.loki.entries().map(({ line }) => line)).toEqual(['good']);
      });
    });
  });
});
