import { newContainerState } from '../../../src/collector/container-state.js';
import { DamagedLog } from '../../../src/collector/damaged-log.js';
import type { Engine } from '../../../src/collector/engine.js';
import { gapSpan } from '../../../src/collector/gap.js';
import type { LogSource } from '../../../src/collector/log-source.js';
import { look } from '../../../src/collector/look.js';
import { MemoryBudget } from '../../../src/collector/memory-budget.js';
import { PollRunner } from '../../../src/collector/poll-runner.js';
import { LogBodyError } from '../../../src/docker/log-errors.js';
import type { ContainerDetails } from '../../../src/model/container.js';
import { NS_PER_SECOND } from '../../../src/model/nanoseconds.js';
import {
  CHUNK_BYTES,
  ENGINE_PROFILES,
  EngineLog,
  type EngineLogOptions,
  type EngineProfileName,
} from '../../../src/simulators/engine/index.js';
import { refOf } from '../../support/any-container.js';
import { identityKeeper } from '../../support/identity-keeper.js';
import { ManualClock } from '../../support/manual-clock.js';
import { ModelLog } from '../../support/model-log.js';
import { recordingObserver } from '../../support/recording-observer.js';
import { ObjectBatch, StrictLoki } from '../../support/strict-loki.js';

const NOW = 1_700_000_000n * NS_PER_SECOND;

/** As inspect tells it of a real container. */
function isSingleFile({ format = 'json-file', maxFiles = 1 }: EngineLogOptions): boolean {
  return format === 'journald' || (format === 'json-file' && maxFiles === 1);
}

/** A container whose log is kept as a version of the Engine does, and a runner that polls it. */
function setUp(profile: EngineProfileName, options: EngineLogOptions = {}) {
  const log = new EngineLog({ ...options, profile: ENGINE_PROFILES[profile] });
  const clock = new ManualClock(NOW);
  const loki = new StrictLoki();
  const observer = recordingObserver();
  /** Whether the daemon's error, if there is one, is seen at the next reads: it may come too late. */
  const errorSeen: boolean[] = [];
  /** What the next reads fail with, one each. */
  const failures: (Error | undefined)[] = [];
  /** Entries after which the next answers break off, one each. */
  const cutAfter: number[] = [];
  /** What happens before the next reads, one each. */
  const meanwhile: (() => void)[] = [];
  let details: ContainerDetails = {
    tty: options.tty ?? false,
    logDriver: options.format ?? 'json-file',
    startedAt: NOW - NS_PER_SECOND,
    finishedAt: 0n,
    running: true,
    ...(isSingleFile(options) ? { singleFile: true } : {}),
  };
  const tails: (number | undefined)[] = [];
  const read: LogSource = async ({ tail, since, lastWords }, sink) => {
    tails.push(tail);
    meanwhile.shift()?.();
    const failure = failures.shift();
    if (failure !== undefined) return { bytes: 0, fault: failure };
    const { entries, error, hangs } = log.open({ tail, since });
    if (hangs === true) return { bytes: 0, fault: new LogBodyError('stalled', 'nothing came') };
    const cut = cutAfter.shift();
    for (const { stream, stampNs, text, terminated } of entries.slice(0, cut)) {
      // As of a TTY: see TtyParser.
      if (options.tty === true && lastWords === false && !terminated && text.length < CHUNK_BYTES) continue;
      const seconds = Number(stampNs / NS_PER_SECOND);
      const nanos = Number(stampNs % NS_PER_SECOND);
      sink.entry(stream === 'stdout' ? 1 : 2, seconds, nanos, text, 0, text.length, terminated);
    }
    if (cut !== undefined) return { bytes: 0, fault: new LogBodyError('truncated', 'the answer broke off') };
    const seen = error !== undefined && (errorSeen.shift() ?? true);
    return { bytes: 0, ...(seen ? { fault: new LogBodyError('daemon_error', error) } : {}) };
  };
  const engine: Engine = {
    list: async () => [],
    inspect: async () => details,
    events: async () => ({ events: [], relist: false, overrun: false }),
  };
  const runner = new PollRunner({
    engine,
    clock,
    random: () => 0.5,
    observer,
    interval: { adaptive: true, interval: 5000, min: 500, max: 30_000, jitter: 0 },
    start: 'beginning',
    deadline: 60_000,
    verifyEvery: 12,
    fleet: identityKeeper(),
    access: { answered: () => undefined, refused: () => undefined },
    onRemoved: () => undefined,
    context: {
      read,
      newBatch: (_container, stream) => new ObjectBatch(stream, 100, 1800n * NS_PER_SECOND),
      push: async (batch) => loki.accept((batch as ObjectBatch).lines),
      commit: async () => undefined,
      onGap: (container, gap) => observer.gap(container, gap),
      budget: new MemoryBudget(1_000_000),
      clock,
      settings: {
        anchor: 32,
        batchBytes: 1000,
        batchAge: 60_000,
        maxSpan: 1800n * NS_PER_SECOND,
        maxWaiting: 2,
        maxLineBytes: 20_000,
        moveEqualStamps: false,
        gapMarker: true,
      },
      sinceSemantics: () => ENGINE_PROFILES[profile].since,
      passesOverFiles: () => ENGINE_PROFILES[profile].corruption === 'skip_rest_of_file',
      poll: { window: { enabled: true, anchor: 32 }, overlap: 2n * NS_PER_SECOND, openMaxAge: 30_000 },
    },
  });
  const state = newContainerState(
    { id: 'a', name: 'web', image: 'i', labels: {}, state: 'running', created: NOW },
    undefined,
    true,
    0,
  );
  const poll = async (): Promise<void> => {
    await runner.run(state, new AbortController().signal);
  };
  let written = 0;
  return {
    log,
    clock,
    loki,
    cutAfter,
    errorSeen,
    failures,
    meanwhile,
    tails,
    state,
    write: (text: string) => log.writeLine('stdout', text, NOW + BigInt(written++)),
    end: () => {
      log.close();
      details = { ...details, running: false, finishedAt: NOW + NS_PER_SECOND };
      state.details = undefined;
    },
    poll,
    /** So often that nothing more comes. */
    pollOn: async () => {
      for (let polls = 0; polls < 5 && state.life === 'active'; polls++) await poll();
    },
    told: () => observer.told.filter((text) => !text.startsWith('polled')),
    lines: () =>
      [...loki.stored.values()].map(({ text }) => text).filter((text) => !text.startsWith('pollard')),
  };
}

describe('an Engine that hides what stands behind a damaged record', () => {
  test('the log of a container that has ended is not left alone before that was reached', async () => {
    const { log, write, pollOn, poll, end, lines, state, told } = setUp('28.5');
    write('before');
    write('spoilt when it was read');
    await poll();
    log.corrupt(-1);
    write('behind');
    end();
    await pollOn();
    expect({ life: state.life, lines: lines(), told: told() }).toEqual({
      life: 'drained',
      lines: ['before', 'spoilt when it was read', 'behind'],
      told: ['gap web'],
    });
  });

  test('nor is it when the last poll of the running container was one that did not look closely', async () => {
    const { log, write, pollOn, poll, end, lines, state, told } = setUp('28.5');
    write('before');
    await poll();
    // The first idle poll looks closely, the second does not.
    await poll();
    write('spoilt before it was read');
    log.corrupt(-1);
    write('behind');
    end();
    await pollOn();
    expect({ life: state.life, lines: lines(), told: told() }).toEqual({
      life: 'drained',
      lines: ['before', 'behind'],
      told: ['gap web'],
    });
  });
});

describe('a log that could not be read from its beginning', () => {
  test.each(['20.10', '24', '28.5'] as const)(
    '%s: what is read behind a damaged record comes behind a mark',
    async (profile) => {
      const { log, write, pollOn, end, lines, told } = setUp(profile);
      write('spoilt');
      log.corrupt(-1);
      write('behind');
      write('behind that');
      end();
      await pollOn();
      expect({ lines: lines(), told: told() }).toEqual({
        lines: ['behind', 'behind that'],
        told: ['gap web'],
      });
    },
  );

  test("nothing is called lost where the daemon's error was there only once", async () => {
    const { write, pollOn, end, lines, told, failures } = setUp('24');
    write('first');
    write('second');
    end();
    failures.push(new LogBodyError('daemon_error', 'for a moment'));
    await pollOn();
    expect({ lines: lines(), told: told() }).toEqual({ lines: ['first', 'second'], told: [] });
  });
});

test('empty lines that journald of an old Engine hides are no damage, nor is an error beside them', async () => {
  const { write, poll, pollOn, end, lines, told, failures } = setUp('20.10', { format: 'journald' });
  const shown: string[] = [];
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 10; i++) {
      for (let empty = 0; empty < i % 4; empty++) write('');
      shown.push(`line ${round} ${i}`);
      write(`line ${round} ${i}`);
    }
    if (round % 2 === 1) failures.push(new LogBodyError('daemon_error', 'for a moment'));
    await poll();
  }
  end();
  await pollOn();
  expect({ lines: lines(), told: told() }).toEqual({ lines: shown, told: [] });
});

describe('a log of journald that grows while it is read, so that an answer has more entries than were asked for', () => {
  const GROWTHS = [1, 37, 300].flatMap((growth) => [1, 2, 5, 9].map((quiet) => [growth, quiet] as const));

  test.each(GROWTHS)(
    "no sound line is skipped for the daemon's error of a moment (%d entries during each answer behind the first %d)",
    async (growth, quiet) => {
      for (const profile of ['24', '26', '28.5'] as const) {
        for (const delivered of [0, 200]) {
          const { log, write, poll, pollOn, end, lines, told, failures } = setUp(profile, {
            format: 'journald',
          });
          let count = 0;
          const writeMore = (more: number): void => {
            for (let i = 0; i < more; i++) write(`line ${count++}`);
          };
          writeMore(delivered);
          if (delivered > 0) await poll();
          writeMore(1861);
          let answers = 0;
          log.whileAnswering = () => {
            if (answers++ >= quiet && answers < 80) writeMore(growth);
          };
          failures.push(new LogBodyError('daemon_error', 'for a moment'));
          for (let polls = 0; polls < 3; polls++) await poll();
          log.whileAnswering = undefined;
          await poll();
          end();
          await pollOn();
          expect({ profile, delivered, told: told(), lines: lines().length }).toEqual({
            profile,
            delivered,
            told: [],
            lines: count,
          });
        }
      }
    },
  );
});

describe('an error that passes by, and is told where a damaged record would be', () => {
  const FAULTS = {
    "the daemon's error": new LogBodyError('daemon_error', 'for a moment'),
    'a stall': new LogBodyError('stalled', 'nothing came'),
    'a broken connection': new LogBodyError('truncated', 'the answer broke off'),
  };
  /** Each request of a search, and behind it. */
  const PLACES = Array.from({ length: 40 }, (_, i) => i);

  test.each(Object.entries(FAULTS))(
    '%s: nothing is given up for it, whenever it strikes',
    async (_name, fault) => {
      for (const profile of ['20.10', '24', '28.5'] as const) {
        for (const delivered of [0, 40]) {
          for (const place of PLACES) {
            const { write, poll, pollOn, end, lines, told, failures } = setUp(profile);
            for (let i = 0; i < delivered; i++) write(`delivered ${i}`);
            if (delivered > 0) await poll();
            for (let i = 0; i < 20; i++) write(`new ${i}`);
            // The first one makes it look for damage.
            failures.push(FAULTS["the daemon's error"], ...Array<undefined>(place).fill(undefined), fault);
            await pollOn();
            end();
            await pollOn();
            const gaps = told().filter((text) => text.startsWith('gap'));
            expect({ place, gaps, lines: lines().length }).toEqual({
              place,
              gaps: [],
              lines: delivered + 20,
            });
          }
        }
      }
    },
  );

  test('nor where it strikes every other request for a while', async () => {
    const { write, poll, pollOn, end, lines, told, failures } = setUp('24');
    for (let i = 0; i < 40; i++) write(`delivered ${i}`);
    await poll();
    for (let i = 0; i < 20; i++) write(`new ${i}`);
    const fault = FAULTS["the daemon's error"];
    for (let times = 0; times < 30; times++) failures.push(fault, undefined);
    await pollOn();
    end();
    await pollOn();
    expect({ lines: lines().length, told: told() }).toEqual({ lines: 60, told: [] });
  });

  test('nor where the container has ended meanwhile, in the middle of a line', async () => {
    const { log, write, poll, pollOn, end, lines, told, failures, meanwhile } = setUp('24', { tty: true });
    for (let i = 0; i < 40; i++) write(`delivered ${i}`);
    await poll();
    for (let i = 0; i < 20; i++) write(`new ${i}`);
    failures.push(FAULTS["the daemon's error"]);
    const none = (): void => undefined;
    meanwhile.push(none, none, none, none, () => {
      log.write('stdout', 'last words', NOW + 100n);
      log.endStreams(NOW + 100n);
    });
    await poll();
    end();
    await pollOn();
    expect({ lines: lines().length, told: told() }).toEqual({ lines: 61, told: [] });
  });

  test('a container that has ended is not left alone for it before what damage hides was reached', async () => {
    const { log, write, poll, pollOn, end, lines, told, failures } = setUp('28.5');
    write('before');
    await poll();
    write('spoilt');
    log.corrupt(-1);
    write('behind');
    end();
    await poll();
    // Of the poll, of the look at the end, and of the first one behind the damage.
    failures.push(undefined, undefined, FAULTS["the daemon's error"]);
    await pollOn();
    expect({ lines: lines(), told: told() }).toEqual({ lines: ['before', 'behind'], told: ['gap web'] });
  });

  const DAMAGED = (['20.10', '24', '28.5'] as const).flatMap((profile) =>
    (['torn', 'wrong_time'] as const).map((kind) => [profile, kind] as const),
  );

  test.each(DAMAGED)(
    '%s: where a record is %s as well, what stands behind it is read all the same, and nothing else is named',
    async (profile, kind) => {
      for (const place of PLACES) {
        const { log, write, poll, pollOn, end, lines, told, failures } = setUp(profile);
        for (let i = 0; i < 40; i++) write(`delivered ${i}`);
        await poll();
        write('spoilt');
        log.corrupt(-1, kind);
        for (let i = 0; i < 20; i++) write(`behind ${i}`);
        failures.push(...Array<undefined>(place).fill(undefined), FAULTS["the daemon's error"]);
        await pollOn();
        end();
        await pollOn();
        const gaps = told().filter((text) => text.startsWith('gap'));
        expect({ place, gaps, lines: lines().length }).toEqual({ place, gaps: ['gap web'], lines: 60 });
      }
    },
  );
});

describe('an Engine that was seen to answer only what stands behind a damaged record', () => {
  test.each(['20.10', '24', '28.5'] as const)(
    '%s: it is asked for no more than that, which grows with what is written',
    async (profile) => {
      const { log, write, poll, tails, lines, state } = setUp(profile);
      for (let i = 0; i < 50; i++) write(`before ${i}`);
      await poll();
      write('spoilt');
      log.corrupt(-1);
      for (let i = 0; i < 3; i++) write(`behind ${i}`);
      // What hides without an error shows at the second look only.
      for (let polls = 0; polls < 3; polls++) await poll();
      expect(lines().slice(-3)).toEqual(['behind 0', 'behind 1', 'behind 2']);
      expect(state.readable).toBe(3);

      tails.length = 0;
      for (let polls = 0; polls < 3; polls++) await poll();
      expect(tails.filter((tail) => tail !== 1)).toEqual([3, 3, 3]);
      write('more');
      await poll();
      await poll();
      expect(tails.filter((tail) => tail !== 1)).toEqual([3, 3, 3, 3, 4]);

      // More than fit into it: it is searched for once more.
      for (let i = 0; i < 20; i++) write(`many ${i}`);
      await poll();
      await poll();
      expect(lines().slice(-21)).toEqual(['more', ...Array.from({ length: 20 }, (_, i) => `many ${i}`)]);
      expect(state.readable).toBe(24);
    },
  );
});

describe('an Engine that cannot read a spoilt file, and whose error gets lost now and then', () => {
  const spoilt = () => {
    const world = setUp('20.10', { maxFiles: 3, compress: true });
    world.write('before');
    return world;
  };

  test('what then looks like an empty log is not taken for one', async () => {
    const { log, write, poll, pollOn, end, lines, state, errorSeen, told } = spoilt();
    await poll();
    write('in the spoilt file');
    log.rotate();
    log.spoilCompressed(1, 'header');
    write('behind');
    end();
    // The error of so many reads is not seen.
    errorSeen.push(...Array<boolean>(12).fill(false));
    await poll();
    expect({ life: state.life, error: state.lastError?.message }).toEqual({
      life: 'active',
      error: expect.stringMatching(/invalid header/),
    });
    // The spoilt file is rotated away.
    log.rotate();
    log.rotate();
    await pollOn();
    expect({ life: state.life, lines: lines(), told: told() }).toEqual({
      life: 'drained',
      lines: ['before', 'behind'],
      told: ['gap web'],
    });
  });

  test.each([
    ['seen', [true]],
    ['lost', [false]],
  ])('an open line does not end there, when the error is %s at the last', async (_how, last) => {
    const { log, write, poll, pollOn, end, lines, errorSeen, told } = spoilt();
    log.write('stdout', 'x'.repeat(CHUNK_BYTES), NOW + 1_000_000n);
    await poll();
    write('in the spoilt file');
    log.rotate();
    log.spoilCompressed(1, 'header');
    // Of the whole log, twice; of its last entry; of a part of what was delivered; of what is behind a gap.
    errorSeen.push(false, false, false, false, ...last);
    await poll();
    write('behind');
    log.rotate();
    log.rotate();
    end();
    await pollOn();
    expect({ lines: lines(), told: told() }).toEqual({
      lines: ['before', 'x'.repeat(CHUNK_BYTES), 'behind'],
      told: ['gap web'],
    });
  });

  test('of a log that was emptied, the beginning of an open line is not lost', async () => {
    const { log, write, poll, pollOn, end, lines, told } = setUp('20.10');
    log.write('stdout', 'x'.repeat(CHUNK_BYTES), NOW);
    await poll();
    log.truncateByHand();
    await poll();
    write('after');
    end();
    await pollOn();
    expect({ lines: lines().map((text) => text.slice(0, 10)), told: told() }).toEqual({
      lines: ['x'.repeat(10), 'after'],
      told: [],
    });
  });

  test('a log that is really empty is one, and nothing is called lost', async () => {
    const { log, write, poll, pollOn, end, lines, state, told } = setUp('20.10');
    write('before');
    await poll();
    log.truncateByHand();
    await poll();
    write('after');
    end();
    await pollOn();
    expect({ life: state.life, lines: lines(), told: told() }).toEqual({
      life: 'drained',
      lines: ['before', 'after'],
      told: [],
    });
  });
});

test('a container that has ended is not left alone when its last entry could not be looked at', async () => {
  const { write, poll, pollOn, end, state, failures } = setUp('28.5');
  write('line');
  await poll();
  end();
  // Of the poll and of the look.
  failures.push(undefined, new LogBodyError('truncated', 'the answer broke off'));
  await poll();
  expect(state.life).toBe('active');
  await pollOn();
  expect(state.life).toBe('drained');
});

describe('a log that was emptied by hand, of an Engine that then searches its end for ever', () => {
  const emptied = async () => {
    const world = setUp('28.5');
    world.write('before '.padEnd(2000, 'x'));
    await world.poll();
    world.log.truncateByHand();
    world.write('after');
    return world;
  };

  test('is read without asking for its end, as long as it is not opened anew', async () => {
    const { write, poll, pollOn, end, lines, state, told } = await emptied();
    await poll();
    await poll();
    expect(lines().slice(1)).toEqual(['after']);
    write('later');
    await poll();
    expect({ lines: lines().slice(1), error: state.lastError }).toEqual({ lines: ['after', 'later'] });
    write('at last');
    end();
    await pollOn();
    expect({ life: state.life, lines: lines().slice(1), told: told() }).toEqual({
      life: 'drained',
      lines: ['after', 'later', 'at last'],
      told: ['gap web'],
    });
  });

  test('is asked for its end again when the whole of it does not come either', async () => {
    const { write, poll, lines, state, failures, tails } = await emptied();
    await poll();
    failures.push(new LogBodyError('stalled', 'nothing came'));
    await poll();
    expect(state.lastError?.message).toBe('nothing came');
    write('later');
    tails.length = 0;
    await poll();
    expect(tails).not.toContain(undefined);
    await poll();
    expect(lines().slice(1)).toEqual(['after', 'later']);
  });
});

describe('a log of driver local that was emptied by hand', () => {
  test.each(['20.10', '23', '26', '28.5'] as const)(
    '%s: what is written next is delivered while the container runs, and the log is settled after its end',
    async (profile) => {
      const { log, write, poll, pollOn, end, lines, state, told } = setUp(profile, { format: 'local' });
      for (let i = 1; i <= 40; i++) write(`before ${i}`);
      await poll();
      log.truncateByHand();
      for (let i = 1; i <= 3; i++) {
        write(`after ${i}`);
        await poll();
        await poll();
      }
      const whileRunning = { lines: lines().slice(40), error: state.lastError, told: told() };
      const after = ['after 1', 'after 2', 'after 3'];
      expect(whileRunning).toEqual({ lines: after, error: undefined, told: ['gap web'] });
      write('at last');
      end();
      await pollOn();
      expect({ life: state.life, lines: lines().slice(40), told: told() }).toEqual({
        life: 'drained',
        lines: [...after, 'at last'],
        told: ['gap web'],
      });
    },
  );

  test.each(['23', '26', '28.5'] as const)(
    '%s: an idle one is polled ever later, with one request each time',
    async (profile) => {
      const { log, clock, write, poll, state, tails } = setUp(profile, { format: 'local' });
      for (let i = 1; i <= 40; i++) write(`before ${i}`);
      await poll();
      log.truncateByHand();
      write('after');
      await clock.pass(60_000);
      for (let polls = 0; polls < 4; polls++) await poll();
      tails.length = 0;
      for (let polls = 0; polls < 6; polls++) await poll();
      expect({ requests: tails.length, interval: state.interval }).toEqual({ requests: 6, interval: 30_000 });
    },
  );
});

describe.each(['20.10', '24'] as const)('%s: a log of which nothing can be read for good', (profile) => {
  const unreadable = (deliversFirst: boolean) => async () => {
    const world = setUp(profile, { maxSize: { entries: 2 }, maxFiles: 3, compress: true });
    world.write('before');
    if (deliversFirst) await world.poll();
    world.write('in the spoilt file');
    world.log.rotate();
    world.log.spoilCompressed(1, 'header');
    world.write('behind');
    world.end();
    return world;
  };

  test.each([
    ['of which lines were delivered before', true],
    ['of which none were', false],
  ])(
    'a container that has ended, %s, is settled after a while, and that is named once',
    async (_what, deliversFirst) => {
      const { clock, poll, lines, state, told } = await unreadable(deliversFirst)();
      await clock.pass(60_000);
      for (let polls = 0; polls < 10; polls++) await poll();
      expect({ life: state.life, told: told(), interval: state.interval }).toEqual({
        life: 'active',
        told: [],
        interval: 30_000,
      });
      for (let polls = 0; polls < 10 && state.life === 'active'; polls++) await poll();
      for (let looks = 0; looks < 40; looks++) await poll();
      expect({ life: state.life, lines: lines(), told: told() }).toEqual({
        life: 'drained',
        lines: deliversFirst ? ['before'] : [],
        told: ['gap web'],
      });
    },
  );

  test('one that runs is polled ever later, and read once the spoilt file is rotated away', async () => {
    const { clock, log, write, poll, lines, state, told } = await unreadable(true)();
    state.details = undefined;
    await clock.pass(60_000);
    for (let polls = 0; polls < 10; polls++) await poll();
    expect(state.interval).toBe(30_000);
    write('more');
    log.rotate();
    log.rotate();
    await poll();
    expect({ last: lines().at(-1), told: told() }).toEqual({ last: 'more', told: ['gap web'] });
  });
});

test.each(['20.10', '23', '24', '28.5'] as const)(
  '%s: lines that were rotated away after the clock was set back are between the stamps of their mark',
  async (profile) => {
    const { log, write, poll, loki, failures, cutAfter } = setUp(profile, {
      maxSize: { entries: 6 },
      maxFiles: 3,
      compress: true,
    });
    for (let i = 1; i <= 4; i++) write(`before ${i}`);
    // The first answer breaks off, so that what it showed is to be looked through for what was passed over.
    cutAfter.push(3);
    await poll();
    for (let i = 1; i <= 20; i++) write(`lost ${i}`);
    const back = NOW - 100n * NS_PER_SECOND;
    for (let i = 0; i < 30; i++) log.writeLine('stdout', `after ${i}`, back + BigInt(i));
    await poll();
    const texts = [...loki.stored.values()].map(({ text }) => text);
    const [span] = texts.flatMap((text) => gapSpan(text) ?? []);
    // Between the last line before the gap and the first one after it, the earlier stamp first.
    expect(span).toEqual({ lastDelivered: back + 12n, firstAvailable: NOW + 2n });
    expect(failures).toEqual([]);
  },
);

test('20.10: so does the mark of what was passed over without a word', async () => {
  const { log, write, poll, loki } = setUp('20.10');
  log.write('stderr', 'y'.repeat(CHUNK_BYTES), NOW - 10n);
  write('between');
  await poll();
  log.write('stderr', 'its end\n', NOW + 5n);
  log.corrupt(-1, 'wrong_time');
  for (let i = 1; i <= 3; i++) log.writeLine('stdout', `after ${i}`, NOW + 20n + BigInt(i));
  for (let polls = 0; polls < 6; polls++) await poll();
  const texts = [...loki.stored.values()].map(({ text }) => text);
  expect(texts).toEqual(expect.arrayContaining(['after 1', 'after 2', 'after 3']));
  const [span] = texts.flatMap((text) => gapSpan(text) ?? []);
  expect(span?.lastDelivered).toBe(NOW - 10n);
});

test.each(['torn', 'wrong_time'] as const)(
  '20.10: and where all of it was written before the first look (%s)',
  async (kind) => {
    const { log, write, poll, loki } = setUp('20.10');
    write('first');
    await poll();
    log.write('stderr', 'y'.repeat(CHUNK_BYTES), NOW + 10n);
    log.writeLine('stdout', 'between', NOW + 15n);
    log.write('stderr', 'its end\n', NOW + 16n);
    log.corrupt(-1, kind);
    for (let i = 1; i <= 3; i++) log.writeLine('stdout', `after ${i}`, NOW + 20n + BigInt(i));
    for (let polls = 0; polls < 6; polls++) await poll();
    const texts = [...loki.stored.values()].map(({ text }) => text);
    expect(texts).toEqual(expect.arrayContaining(['between', 'after 1', 'after 2', 'after 3']));
    expect(texts.flatMap((text) => gapSpan(text) ?? [])).toEqual([
      { lastDelivered: NOW + 10n, firstAvailable: NOW + 21n },
    ]);
  },
);

test.each(['torn', 'wrong_time'] as const)(
  '20.10: and where the line was open in the cursor, and sound entries follow before the damage (%s)',
  async (kind) => {
    const { log, write, poll, loki } = setUp('20.10');
    write('first');
    log.write('stderr', 'y'.repeat(2 * CHUNK_BYTES), NOW + 10n);
    await poll();
    log.writeLine('stdout', 'between', NOW + 15n);
    log.write('stderr', 'its end\n', NOW + 16n);
    log.corrupt(-1, kind);
    for (let i = 1; i <= 3; i++) log.writeLine('stdout', `after ${i}`, NOW + 20n + BigInt(i));
    for (let polls = 0; polls < 6; polls++) await poll();
    const texts = [...loki.stored.values()].map(({ text }) => text);
    expect(texts).toEqual(expect.arrayContaining(['between', 'after 1', 'after 2', 'after 3']));
    expect(texts.flatMap((text) => gapSpan(text) ?? [])).toEqual([
      { lastDelivered: NOW + 10n, firstAvailable: NOW + 21n },
    ]);
  },
);

test.each(['20.10', '24', '28.5'] as const)(
  '%s: the mark of a gap that the end of an open line is lost in begins with that line',
  async (profile) => {
    const { log, write, poll, loki, state } = setUp(profile);
    log.write('stderr', 'y'.repeat(CHUNK_BYTES), NOW - 10n);
    write('between');
    await poll();
    log.write('stderr', 'its end\n', NOW + 5n);
    log.corrupt(-1);
    log.writeLine('stdout', 'after', NOW + 20n);
    for (let polls = 0; polls < 6; polls++) await poll();
    const texts = [...loki.stored.values()].map(({ text }) => text);
    expect(texts).toContain('after');
    expect(texts.flatMap((text) => gapSpan(text) ?? [])).toEqual([
      { lastDelivered: NOW - 10n, firstAvailable: NOW + 20n },
    ]);
    expect(state.lastError).toBeUndefined();
  },
);

describe('a log of driver local where a search from its end fails', () => {
  const versionsOf = ['20.10', '23', '26', '28.5'] as const;
  const faults = versionsOf.flatMap((profile) => [
    { profile, isSeen: true },
    { profile, isSeen: false },
  ]);

  const damaged = async ({ profile, isSeen }: (typeof faults)[number], kind: 'bad_size' | 'cut') => {
    const world = setUp(profile, { format: 'local' });
    for (let i = 1; i <= 40; i++) world.write(`before ${i}`);
    await world.poll();
    // Every second error is lost.
    if (!isSeen) for (let i = 0; i < 1000; i++) world.errorSeen.push(i % 2 === 1);
    world.write('in front of it');
    world.write('damaged');
    world.log.corrupt(-1, kind);
    return world;
  };

  test.each(faults)(
    '$profile: at a size that only the search reads, nothing is missing (error shown: $isSeen)',
    async (given) => {
      const { write, poll, pollOn, end, lines, state, told } = await damaged(given, 'bad_size');
      for (let i = 1; i <= 3; i++) {
        write(`after ${i}`);
        await poll();
      }
      end();
      await pollOn();
      const expected = ['in front of it', 'damaged', 'after 1', 'after 2', 'after 3'];
      expect({ life: state.life, lines: lines().slice(40), told: told() }).toEqual({
        life: 'drained',
        lines: expected,
        told: [],
      });
    },
  );

  test.each(faults)(
    '$profile: at a record that is cut short, what comes before and after it is read, and it is named (error shown: $isSeen)',
    async (given) => {
      const { write, poll, pollOn, end, lines, state, told } = await damaged(given, 'cut');
      for (let polls = 0; polls < 6; polls++) await poll();
      expect({ lines: lines().slice(40), told: told() }).toEqual({ lines: ['in front of it'], told: [] });
      for (let i = 1; i <= 3; i++) {
        write(`after ${i}`);
        for (let polls = 0; polls < 4; polls++) await poll();
      }
      end();
      await pollOn();
      expect({ life: state.life, lines: lines().slice(40), told: told() }).toEqual({
        life: 'drained',
        lines: ['in front of it', 'after 1', 'after 2', 'after 3'],
        told: ['gap web'],
      });
    },
  );

  test.each(faults)(
    '$profile: a container that ended with a record cut short is settled, and that is named once (error shown: $isSeen)',
    async (given) => {
      const { poll, pollOn, end, lines, state, told } = await damaged(given, 'cut');
      await poll();
      end();
      await pollOn();
      const settled = { life: state.life, lines: lines().slice(40), told: told() };
      expect(settled).toEqual({ life: 'drained', lines: ['in front of it'], told: ['gap web'] });
      for (let looks = 0; looks < 3; looks++) await poll();
      expect({ life: state.life, told: told() }).toEqual({ life: 'drained', told: ['gap web'] });
    },
  );
});

test('a place inside a line of equal chunks is located where it is', async () => {
  const log = new ModelLog();
  const write = (stamp: bigint, text: string, count: number, terminated: boolean): void => {
    for (let i = 0; i < count; i++)
      log.entries.push({ stream: 1, stamp, text: Buffer.from(text), terminated });
  };
  const { signal } = new AbortController();
  write(NOW + 1n, 'line', 1, true);
  write(NOW + 2n, 'A', 40, false);
  const { last: anchor } = await look(log.read, refOf(), undefined, 32, signal);
  write(NOW + 2n, 'A', 60, false);
  const options = {
    read: log.read,
    container: refOf(),
    passesOver: 'nothing',
    grows: false,
    signal,
  } as const;
  const search = await DamagedLog.begin(options);
  expect(await search.locate(anchor)).toBe(61);
});

describe('the search for the oldest sound record', () => {
  const oldestOf = async (read: LogSource) => {
    const { signal } = new AbortController();
    const options = { read, container: refOf(), passesOver: 'nothing', grows: false, signal } as const;
    const search = await DamagedLog.begin(options);
    return await search.oldest();
  };
  const entriesOf = (...texts: string[]) =>
    texts.map((text) => ({ stream: 1 as const, stamp: NOW, text: Buffer.from(text), terminated: true }));

  test('ends without one when that is rotated away meanwhile', async () => {
    const log = new ModelLog();
    log.entries = entriesOf('a', 'b', 'c');
    const oldest = oldestOf(async (request, sink) => {
      if (log.reads > 1000) throw new Error('the search does not end');
      const answer = await log.read(request, sink);
      if (log.reads === 1) log.entries.shift();
      return answer;
    });
    expect(await oldest).toBeUndefined();
  });

  test.each([1, 2, 5])(
    'finds that damaged records come before it, where the last %d are sound',
    async (sound) => {
      const log = new ModelLog();
      log.entries = entriesOf('damaged', 'damaged', ...Array.from({ length: sound }, (_, i) => `sound ${i}`));
      const oldest = oldestOf(async (request, sink) => {
        const isSound = request.tail !== undefined && request.tail <= sound;
        if (isSound) return await log.read(request, sink);
        return { bytes: 0, fault: new LogBodyError('daemon_error', 'a damaged record') };
      });
      expect(await oldest).toMatchObject({ position: sound, isBehindDamage: true });
    },
  );
});

describe('the place of an entry between two damaged records, which no window that is tried shows', () => {
  const RECORDS = 1200;
  /** At these positions from the end. */
  const DAMAGED = [700, 400];

  /** Looks for the entry at a position of a log whose records have these stamps, from the oldest. */
  const locate = async (
    position: number,
    stampOf: (record: number) => bigint,
    textOf = (record: number): string => `line ${record}`,
  ) => {
    const log = new ModelLog();
    log.entries = Array.from({ length: RECORDS }, (_, record) => {
      return { stream: 1, stamp: stampOf(record), text: Buffer.from(textOf(record)), terminated: true };
    });
    const read: LogSource = async (request, sink) => {
      const from = Math.min(request.tail ?? RECORDS, RECORDS);
      const damaged = DAMAGED.find((each) => each <= from);
      if (damaged === undefined) return await log.read(request, sink);
      const part = new ModelLog();
      part.entries = log.entries.slice(RECORDS - from, RECORDS - damaged);
      await part.read({ ...request, tail: RECORDS }, sink);
      return { bytes: 0, fault: new LogBodyError('daemon_error', 'a damaged record') };
    };
    const { signal } = new AbortController();
    const until = new ModelLog();
    until.entries = log.entries.slice(0, RECORDS - position + 1);
    const { last } = await look(until.read, refOf(), 32, 32, signal);
    const options = { read, container: refOf(), passesOver: 'nothing', grows: false, signal } as const;
    return await (await DamagedLog.begin(options)).locate(last);
  };

  test.each([699, 600, 401])('is found by its stamp (%d records from the end)', async (position) => {
    expect(await locate(position, (record) => NOW + BigInt(record))).toBe(position);
  });

  test('is not guessed where the clock was set back behind it', async () => {
    const reset = RECORDS - 300;
    const stampOf = (record: number): bigint => NOW + BigInt(record < reset ? record : record - reset);
    expect(await locate(600, stampOf)).toBeUndefined();
  });

  test('is not guessed among equal records of one nanosecond', async () => {
    const equal = RECORDS - 600;
    const pair = (record: number): number => (record === equal + 1 ? equal : record);
    const stampOf = (record: number): bigint => NOW + BigInt(pair(record));
    expect(await locate(600, stampOf, (record) => `line ${pair(record)}`)).toBeUndefined();
  });
});
