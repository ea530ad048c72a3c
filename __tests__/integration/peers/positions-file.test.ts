import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSite, type Site } from '../../support/commands/site.js';
import type { Service } from '../../support/collector/index.js';

const LINES = 40;
const NAMES = ['one', 'two', 'three'];
const DAMAGED = 'a cursor is damaged and was kept aside: the start policy applies to its container';

function speak(site: Site, word: string): void {
  for (const name of NAMES) {
    const container = site.engine.find(name) ?? site.engine.addContainer({ name });
    for (let i = 0; i < LINES; i++) container.writeLine('stdout', `${name} ${word} ${i}`);
  }
}

/** The files of cursors, by the container's name. */
function cursorFiles(site: Site): Map<string, string> {
  const folder = join(site.stateDir, 'cursors');
  return new Map(
    NAMES.map((name) => [name, join(folder, `${site.engine.find(name)?.id ?? ''}.json`)] as const),
  );
}

/** Kept aside in the directory. */
function keptAside(site: Site): string[] {
  return readdirSync(join(site.stateDir, 'cursors')).filter((name) => name.includes('.corrupt-'));
}

function saidDamaged(service: Service): string[] {
  return service.records
    .filter(({ message }) => message === DAMAGED)
    .map(({ reason }) => String(reason))
    .sort();
}

/** Collects, is stopped, and its cursors are damaged; then all goes on. */
async function afterDamage(
  damage: (path: string) => void,
  damagedNames: readonly string[],
  use: (site: Site, service: Service) => Promise<void>,
): Promise<void> {
  await withSite({ settings: { start: 'beginning' } }, async (site) => {
    speak(site, 'before');
    const first = await site.run();
    await site.untilStored(NAMES.length * LINES);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    const files = cursorFiles(site);
    for (const name of damagedNames) damage(files.get(name) as string);

    speak(site, 'after');
    const second = await site.run();
    await site.untilStored(2 * NAMES.length * LINES);
    await second.readsAll();
    await use(site, second);
    expect(await second.stop()).toEqual({ code: 0, signal: null });

    // No loop: the next one finds all in order, and has nothing to do.
    const { received } = site.loki.counts();
    const third = await site.run();
    await third.readsAll();
    expect(saidDamaged(third)).toEqual([]);
    expect(await third.stop()).toEqual({ code: 0, signal: null });
    expect(site.loki.counts()).toMatchObject({
      received,
      entries: 2 * NAMES.length * LINES,
      refused: {},
    });
  });
}

/** Of a damaged one all is read again, and Loki is asked which lines it holds. */
function expectNothingAgain(site: Site): void {
  expect(site.loki.counts()).toMatchObject({
    received: 2 * NAMES.length * LINES,
    entries: 2 * NAMES.length * LINES,
    strictDuplicates: 0,
    refused: {},
  });
}

function nulBytes(path: string): void {
  writeFileSync(path, Buffer.alloc(statSync(path).size));
}

describe('grafana/loki#6268: positions that became NUL bytes in a loss of power', () => {
  test('grafana/loki#6268: one of them: it is kept aside and said, and the others go on where they were', async () => {
    await afterDamage(nulBytes, ['two'], async (site, service) => {
      expect(saidDamaged(service)).toEqual(['nul_bytes']);
      expect(keptAside(site)).toHaveLength(1);
      expectNothingAgain(site);
      expect((await service.health()).status).toBe(200);
    });
  });

  test('grafana/loki#6268: all of them: it starts, and each log is begun anew', async () => {
    await afterDamage(nulBytes, NAMES, async (site, service) => {
      expect(saidDamaged(service)).toEqual(['nul_bytes', 'nul_bytes', 'nul_bytes']);
      expect(keptAside(site)).toHaveLength(3);
      expectNothingAgain(site);
      expect((await service.health()).status).toBe(200);
    });
  });
});

test.each([
  // Of the newline alone: the document itself is whole.
  ['by a byte', (size: number) => size - 1, undefined],
  ['in its last line', (size: number) => size - 3, 'cut_short'],
  ['in the middle', (size: number) => Math.floor(size / 2), 'cut_short'],
  ['to nothing', () => 0, 'empty'],
])(
  'grafana/loki#1460: positions cut short %s: the service starts, and one that is damaged is kept aside',
  async (_name, lengthOf, reason) => {
    const cut = (path: string): void => truncateSync(path, lengthOf(statSync(path).size));
    await afterDamage(cut, ['one'], async (site, service) => {
      const damaged = reason === undefined ? [] : [reason];
      expect(saidDamaged(service)).toEqual(damaged);
      expect(keptAside(site)).toHaveLength(damaged.length);
      expectNothingAgain(site);
      expect((await service.health()).status).toBe(200);
    });
  },
);

test('grafana/loki#1460: what a crash left half written beside the positions is no obstacle', async () => {
  const halfWritten = (path: string): void => {
    writeFileSync(`${path}.tmp`, readFileSync(path).subarray(0, 20));
  };
  await afterDamage(halfWritten, ['three'], (site, service) => {
    expect(saidDamaged(service)).toEqual([]);
    expect(readdirSync(join(site.stateDir, 'cursors')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expectNothingAgain(site);
    return Promise.resolve();
  });
});
