import { describe, expect, test } from '@jest/globals';
import type { SettingTexts } from '../../support/collector/installation.js';
import type { Service } from '../../support/collector/service.js';
import { withSite, type Site } from '../../support/commands/site.js';
import { until } from '../../support/until.js';

const LINE_BYTES = 500;
const SETTINGS: SettingTexts = {
  start: 'beginning',
  'loki.timeout': '1s',
  'loki.settle_time': '1s',
};
const PATIENCE = { patience: 240_000 };

/** Containers that write numbered lines, each of which differs from all others. */
class Writers {
  readonly #site: Site;
  readonly #containers: ReturnType<Site['engine']['addContainer']>[];
  written = 0;

  constructor(site: Site, count: number) {
    this.#site = site;
    this.#containers = Array.from({ length: count }, (_, i) =>
      site.engine.addContainer({ name: `writer-${i}` }),
    );
  }

  write(linesEach: number): void {
    for (let i = 0; i < linesEach; i++) {
      for (const container of this.#containers) {
        container.writeLine(i % 7 === 0 ? 'stderr' : 'stdout', `${this.written++} `.padEnd(LINE_BYTES, 'x'));
      }
    }
  }

  /** Lines that Loki shows, each once, and how many it shows more than once, whatever shard they are in. */
  shown(): { distinct: number; twice: number } {
    const entries = this.#site.loki.entries();
    const distinct = new Set(
      entries.map(({ labels, stamp, line }) => `${labels['container']} ${stamp} ${line}`),
    );
    return { distinct: distinct.size, twice: entries.length - distinct.size };
  }

  async allStored(service: Service): Promise<void> {
    await until('all is stored', () => this.shown().distinct === this.written, {
      ...PATIENCE,
      instead: () => [this.written, this.shown(), this.#site.loki.counts(), service.lastWords()],
    });
  }
}

/** Kills Pollard each time that it has sent something which Loki did not answer, and starts it again. */
async function killed(times: number, site: Site, writers: Writers, linesEach: number): Promise<Service> {
  let service = await site.run();
  await writers.allStored(service);
  const thaw = site.loki.outage('freeze');
  for (let kill = 0; kill < times; kill++) {
    writers.write(linesEach);
    const before = site.loki.outagesStruck;
    await until(
      'something waits in the sockets of Loki',
      () => site.loki.outagesStruck >= before + 3,
      PATIENCE,
    );
    await service.kill();
    service = await site.run();
  }
  writers.write(linesEach);
  thaw();
  await writers.allStored(service);
  return service;
}

const queries = (site: Site): number =>
  site.loki.requests.filter(({ path }) => path.endsWith('/query_range')).length;

describe.each([
  ['one container that writes a lot', 1, 2000, 6],
  ['eight containers', 8, 100, 8],
])('%s, a Loki that stands still, and Pollard killed meanwhile', (_, containers, linesEach, kills) => {
  test('every line is stored, and none twice', async () => {
    await withSite({ settings: SETTINGS }, async (site) => {
      const writers = new Writers(site, containers);
      writers.write(linesEach);
      const service = await killed(kills, site, writers, linesEach);
      expect(writers.shown()).toEqual({ distinct: writers.written, twice: 0 });
      expect(await service.metric('pollard_replayed_lines_total')).toBe(0);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(writers.shown()).toEqual({ distinct: writers.written, twice: 0 });
    });
  });

  test('where Loki may not be read: every line is stored, some twice, and what is sent again is counted', async () => {
    await withSite({ settings: { ...SETTINGS, 'loki.query': 'off' } }, async (site) => {
      const writers = new Writers(site, containers);
      writers.write(linesEach);
      const service = await killed(kills, site, writers, linesEach);
      const { distinct, twice } = writers.shown();
      expect(distinct).toBe(writers.written);
      expect(twice).toBeGreaterThan(0);
      expect(await service.metric('pollard_replayed_lines_total')).toBeGreaterThan(0);
      expect(service.said('warn').filter(({ message }) => /are sent again/.test(message))).toHaveLength(1);
      expect(queries(site)).toBe(0);
    });
  });
});

test('nothing is asked where every answer was plain: from the start to an ordered stop, and after it', async () => {
  await withSite({ settings: { start: 'beginning' } }, async (site) => {
    const writers = new Writers(site, 4);
    writers.write(500);
    for (let run = 0; run < 3; run++) {
      const service = await site.run();
      for (let burst = 0; burst < 3; burst++) {
        await writers.allStored(service);
        writers.write(50);
      }
      await writers.allStored(service);
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      writers.write(50);
    }
    expect(queries(site)).toBe(0);
    expect(site.loki.counts()).toMatchObject({ strictDuplicates: 0, twice: 0 });
  });
});

test('after a kill Loki is asked once a stream, and no more once the containers were read to their end', async () => {
  await withSite({ settings: SETTINGS }, async (site) => {
    const writers = new Writers(site, 2);
    writers.write(10);
    const first = await site.run();
    await writers.allStored(first);
    await first.kill();
    writers.write(10);
    const second = await site.run();
    await writers.allStored(second);
    const asked = queries(site);
    expect(asked).toBeGreaterThan(0);
    await second.readsAll();
    writers.write(10);
    await writers.allStored(second);
    expect(queries(site)).toBe(asked);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    writers.write(10);
    const third = await site.run();
    await writers.allStored(third);
    expect(queries(site)).toBe(asked);
    expect(writers.shown().twice).toBe(0);
  });
});
