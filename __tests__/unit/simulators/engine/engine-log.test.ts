import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogEntry } from '../../../../src/simulators/engine/entry.js';
import { EngineLog, type EngineLogOptions } from '../../../../src/simulators/engine/engine-log.js';
import { ENGINE_PROFILES, type EngineProfileName } from '../../../../src/simulators/engine/profile.js';

const versions = Object.keys(ENGINE_PROFILES) as EngineProfileName[];

function logOf(profile: EngineProfileName, options: EngineLogOptions = {}): EngineLog {
  return new EngineLog({ profile: ENGINE_PROFILES[profile], ...options });
}
function add(
  log: EngineLog,
  stampNs: bigint | number,
  text = String(stampNs),
  stream: 'stdout' | 'stderr' = 'stdout',
): void {
  log.append({ stampNs: BigInt(stampNs), stream, text: Buffer.from(text), terminated: true });
}
const texts = (entries: readonly LogEntry[]): string[] => entries.map((entry) => entry.text.toString());

describe('since, until and tail', () => {
  test.each(versions)(
    '%s: since is inclusive; of stamps out of order each version has its own opinion',
    (version) => {
      const log = logOf(version);
      for (const stamp of [10, 20, 5, 15, 30]) add(log, stamp);
      const found = ['20.10', '23'].includes(version) ? ['20', '30'] : ['20', '5', '15', '30'];
      expect(texts(log.read({ since: 20n }))).toEqual(found);
      // A window of tail changes only where the first is looked for.
      expect(texts(log.read({ since: 20n, tail: 4 }))).toEqual(found);
      expect(texts(log.read({ since: 20n, tail: 3 }))).toEqual(['30']);
      expect(texts(log.read({ since: 20n, generation: 'filter' }))).toEqual(['20', '30']);
      expect(texts(log.read({ since: 20n, generation: 'seek' }))).toEqual(['20', '5', '15', '30']);
    },
  );

  test('until is inclusive, and reading ends at the first line behind it', () => {
    const log = logOf('28.5');
    for (const stamp of [10, 30, 11]) add(log, stamp);
    expect(texts(log.read({ until: 20n }))).toEqual(['10']);
    expect(texts(log.read({ until: 30n }))).toEqual(['10', '30', '11']);
    expect(texts(log.read({ since: 30n, until: 30n }))).toEqual(['30', '11']);
    expect(texts(log.read({ until: 9n }))).toEqual([]);
  });

  test('tail takes entries of both streams, before since and before the choice of a stream', () => {
    const log = logOf('28.5');
    add(log, 1, 'out 1');
    add(log, 2, 'out 2');
    add(log, 3, 'err 3', 'stderr');
    add(log, 4, 'err 4', 'stderr');
    expect(texts(log.read({ tail: 3 }))).toEqual(['out 2', 'err 3', 'err 4']);
    expect(texts(log.read({ tail: 3, stderr: false }))).toEqual(['out 2']);
    expect(texts(log.read({ tail: 2, stderr: false }))).toEqual([]);
    expect(texts(log.read({ tail: 1, since: 1n }))).toEqual(['err 4']);
    expect(log.read({ tail: 0 })).toEqual([]);
    for (const tail of [undefined, -1, 4, 5]) expect(log.read({ tail })).toHaveLength(4);
  });

  test('tail counts chunks and goes back across rotated files', () => {
    const log = logOf('28.5', { maxSize: { entries: 2 }, maxFiles: 9, compress: true });
    for (let stamp = 1; stamp <= 5; stamp++) add(log, stamp);
    log.writeLine('stdout', 'x'.repeat(20_000), 9n);
    expect(log.read({ tail: 1 })[0]?.text.length).toBe(20_000 - 16_384);
    expect(texts(log.read({ tail: 4 })).slice(0, 2)).toEqual(['4', '5']);
    expect(log.read({ tail: 7 })).toHaveLength(7);
  });

  test('the same as the rules said naively, for any log without rotation', () => {
    const stamp = fc.bigInt({ min: 0n, max: 12n });
    const optional = fc.option(stamp, { nil: undefined });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(stamp, fc.boolean()), { maxLength: 15 }),
        optional,
        optional,
        fc.option(fc.integer({ min: -1, max: 16 }), { nil: undefined }),
        fc.constantFrom('filter' as const, 'seek' as const),
        fc.constantFrom(...versions),
        fc.boolean(),
        (stamps, since, until, tail, generation, version, stderr) => {
          const log = logOf(version);
          for (const [ns, isOut] of stamps) add(log, ns, 'x', isOut ? 'stdout' : 'stderr');
          let wanted = tail === undefined || tail < 0 ? stamps : tail === 0 ? [] : stamps.slice(-tail);
          if (since !== undefined) {
            const first = wanted.findIndex(([ns]) => ns >= since);
            if (generation === 'filter') wanted = wanted.filter(([ns]) => ns >= since);
            else wanted = first < 0 ? [] : wanted.slice(first);
          }
          const end = until === undefined ? -1 : wanted.findIndex(([ns]) => ns > until);
          if (end >= 0) wanted = wanted.slice(0, end);
          if (!stderr) wanted = wanted.filter(([, isOut]) => isOut);
          const read = log.read({ since, until, tail, generation, stderr });
          expect(read.map((entry) => [entry.stampNs, entry.stream === 'stdout'])).toEqual(wanted);
        },
      ),
    );
  });
});

describe('rotation', () => {
  test('before the write that finds the file full; the oldest file goes, and is counted', () => {
    const log = logOf('28.5', { maxSize: { entries: 2 }, maxFiles: 3 });
    for (let stamp = 1; stamp <= 6; stamp++) add(log, stamp);
    expect(log.files.map((file) => file.entries.length)).toEqual([2, 2, 2]);
    expect([log.firstSequence, log.nextSequence]).toEqual([0, 6]);
    add(log, 7);
    expect(texts(log.read())).toEqual(['3', '4', '5', '6', '7']);
    expect([log.firstSequence, log.nextSequence]).toEqual([2, 7]);
  });

  test('with max-file=1 everything goes', () => {
    const log = logOf('28.5', { maxSize: { bytes: 100 } });
    for (let stamp = 1; stamp <= 3; stamp++) add(log, stamp, 'x'.repeat(60));
    expect(log.read()).toHaveLength(1);
    expect(log.firstSequence).toBe(2);
  });

  test('json-file is not rotated by default; local is, at 20 MB, in 5 compressed files', () => {
    const json = logOf('28.5');
    const local = logOf('28.5', { format: 'local' });
    const text = Buffer.alloc(20_000_000, 'x');
    for (let stamp = 1n; stamp <= 8n; stamp++) {
      for (const log of [json, local]) {
        log.append({ stampNs: stamp, stream: 'stdout', text, terminated: true });
      }
    }
    expect(json.files).toHaveLength(1);
    expect(local.files.map((file) => file.compressed)).toEqual([true, true, true, true, false]);
  });

  test('a read is a snapshot', () => {
    const log = logOf('28.5', { maxSize: { entries: 2 }, maxFiles: 2 });
    for (let stamp = 1; stamp <= 3; stamp++) add(log, stamp);
    const before = log.read();
    for (let stamp = 4; stamp <= 9; stamp++) add(log, stamp);
    expect(texts(before)).toEqual(['1', '2', '3']);
  });
});

describe('compressed files', () => {
  /** The second file ends in a stamp long before its other lines: the clock stepped back. */
  function stepped(version: EngineProfileName): EngineLog {
    const log = logOf(version, { maxSize: { entries: 2 }, maxFiles: 5, compress: true });
    for (const stamp of [14, 15, 20, 1, 29, 30, 40]) add(log, stamp);
    return log;
  }

  test.each(versions)('%s: one is skipped by the last written stamp, not by what it holds', (version) => {
    const skipped = texts(stepped(version).read({ since: 15n, generation: 'filter' }));
    // 20.10 gives up the newer rotated files with the one that it skips.
    expect(skipped).toEqual(version === '20.10' ? ['15', '40'] : ['15', '29', '30', '40']);
    expect(stepped(version).read()).toHaveLength(7);
  });

  test.each(versions)('%s: what is skipped is not counted by tail', (version) => {
    const read = texts(stepped(version).read({ since: 15n, tail: 4, generation: 'filter' }));
    expect(read).toEqual(version === '20.10' ? ['15', '40'] : ['15', '29', '30', '40']);
  });

  test.each(versions)('%s: a file written just after a start has the zero time in its header', (version) => {
    const log = logOf(version, { maxSize: { entries: 1 }, maxFiles: 3, compress: true });
    add(log, 10);
    log.reopen();
    add(log, 20);
    expect(texts(log.read({ since: 5n }))).toEqual(version === '20.10' ? ['20'] : ['10', '20']);
  });

  test.each(versions)('%s: a spoilt one', (version) => {
    const log = logOf(version, { maxSize: { entries: 1 }, maxFiles: 5, compress: true });
    for (const stamp of [1, 2, 3, 4]) add(log, stamp);
    log.spoilCompressed(2, 'header');
    const lazy = ['28.5', '29', '29.3'].includes(version);
    expect(log.open().error).toContain('gzip: invalid header');
    expect(log.open({ tail: 3 })).toEqual({ entries: [], error: expect.any(String) });
    expect(log.open({ tail: 2 }).error === undefined).toBe(lazy);
    if (lazy) expect(texts(log.read({ tail: 2 }))).toEqual(['3', '4']);
    expect(log.open({ tail: 0 })).toEqual({ entries: [] });
  });

  test('one with a good header is passed by a since behind its last stamp', () => {
    const log = logOf('28.5', { maxSize: { entries: 1 }, maxFiles: 5, compress: true });
    for (const stamp of [1, 2, 3]) add(log, stamp);
    log.spoilCompressed(2, 'body');
    expect(log.open().error).toContain('unexpected EOF');
    expect(texts(log.read({ since: 2n }))).toEqual(['2', '3']);
  });
});

describe('a line that cannot be decoded', () => {
  function spoilt(version: EngineProfileName, kind: 'torn' | 'wrong_time'): EngineLog {
    const log = logOf(version, { maxSize: { entries: 5 }, maxFiles: 3 });
    for (const text of ['a', 'b', '?', 'c', 'd', 'e', 'f']) add(log, 1, text);
    log.corrupt(2, kind, 1);
    return log;
  }

  test.each(versions)('%s: what it costs', (version) => {
    const { entries, error } = spoilt(version, 'torn').open();
    if (['23', '24', '26'].includes(version)) {
      expect([texts(entries), error]).toEqual([['a', 'b'], expect.stringContaining('invalid character')]);
    } else expect([texts(entries), error]).toEqual([['a', 'b', 'e', 'f'], undefined]);
  });

  test('with a wrong time it costs 20.10 only itself', () => {
    expect(texts(spoilt('20.10', 'wrong_time').read())).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(texts(spoilt('28.5', 'wrong_time').read())).toEqual(['a', 'b', 'e', 'f']);
  });

  test('in driver local it ends the answer of 20.10 too', () => {
    const log = logOf('20.10', { format: 'local' });
    for (const text of ['a', '?', 'b']) add(log, 1, text);
    log.corrupt(1);
    const { entries, error } = log.open();
    expect([texts(entries), error]).toEqual([['a'], expect.stringContaining('log entry')]);
    expect(texts(log.read({ tail: 1 }))).toEqual(['b']);
  });

  test.each(versions)('%s: tail reaches what lies behind it, and counts it', (version) => {
    const log = spoilt(version, 'torn');
    expect(log.open({ tail: 4 })).toEqual({ entries: log.read({ tail: 4 }) });
    expect(texts(log.read({ tail: 4 }))).toEqual(['c', 'd', 'e', 'f']);
    expect(texts(log.read({ tail: 5 }))).toEqual(['23', '24', '26'].includes(version) ? [] : ['e', 'f']);
  });
});

describe('a log truncated by hand', () => {
  const big = 'x'.repeat(2000);

  test.each(versions)('%s: json-file, while it is open for appending', (version) => {
    const log = logOf(version);
    add(log, 1, big);
    log.truncateByHand();
    add(log, 2);
    expect(texts(log.read())).toEqual(['2']);
    // From 23 the search for the tail begins behind the end of the file and never comes back.
    expect(log.open({ tail: 5 }).hangs === true).toBe(version !== '20.10');
    log.reopen();
    expect(texts(log.open({ tail: 5 }).entries)).toEqual(['2']);
    expect(log.firstSequence).toBe(1);
  });

  test.each(versions)('%s: driver local', (version) => {
    const log = logOf(version, { format: 'local' });
    add(log, 1, big);
    log.truncateByHand();
    add(log, 2);
    expect(texts(log.read())).toEqual(['2']);
    const { entries, error } = log.open({ tail: 5 });
    if (version === '20.10') expect(texts(entries)).toEqual(['2']);
    else expect([entries, error !== undefined]).toEqual([[], ['23', '24', '26'].includes(version)]);
    // Whoever reads the log of a container that has ended opens the file anew.
    log.close();
    expect(texts(log.open({ tail: 5 }).entries)).toEqual(['2']);
  });

  test.each(versions)(
    '%s: driver local, where a size that the search from the end reads is spoilt',
    (version) => {
      const log = logOf(version, { format: 'local' });
      for (const stamp of [1, 2, 3, 4]) add(log, stamp);
      log.corrupt(1, 'bad_size');
      expect(texts(log.read())).toEqual(['1', '2', '3', '4']);
      expect(texts(log.open({ tail: 2 }).entries)).toEqual(['3', '4']);
      const { entries, error } = log.open({ tail: 3 });
      expect([entries, error !== undefined]).toEqual([[], ['20.10', '23', '24', '26'].includes(version)]);
    },
  );

  test.each(versions)(
    '%s: driver local, where the last record is cut short, and where more comes after it',
    (version) => {
      const log = logOf(version, { format: 'local' });
      for (const stamp of [1, 2, 3]) add(log, stamp);
      log.corrupt(-1, 'cut');
      const reports = ['20.10', '23', '24', '26'].includes(version);
      const whole = log.open();
      expect([texts(whole.entries), whole.error]).toEqual([['1', '2'], undefined]);
      const { entries, error } = log.open({ tail: 1 });
      expect([entries, error !== undefined]).toEqual([[], reports]);
      add(log, 4);
      expect(texts(log.open({ tail: 1 }).entries)).toEqual(['4']);
      const more = log.open();
      expect([texts(more.entries), more.error !== undefined]).toEqual([['1', '2'], reports]);
    },
  );

  test('after a rotation the next line stands behind a hole of NUL bytes, and is lost', () => {
    const log = logOf('20.10', { maxSize: { entries: 2 }, maxFiles: 2 });
    for (const stamp of [1, 2, 3]) add(log, stamp);
    log.truncateByHand();
    add(log, 4);
    add(log, 5);
    expect(texts(log.read({ tail: 1 }))).toEqual(['5']);
    expect(texts(log.read())).toEqual(['1', '2']);
  });
});

describe('what drivers make of text and stamps', () => {
  test('json-file replaces what is not UTF-8, byte by byte, also a rune cut at 16 KiB; local keeps it', () => {
    const text = Buffer.from('61ff62e28263', 'hex');
    const json = logOf('28.5');
    const local = logOf('28.5', { format: 'local' });
    for (const log of [json, local]) log.append({ stampNs: 1n, stream: 'stdout', text, terminated: true });
    expect(texts(json.read())).toEqual(['a\ufffdb\ufffd\ufffdc']);
    expect(local.read()[0]?.text).toEqual(text);
    json.writeLine('stdout', `${'x'.repeat(16_383)}é`, 2n);
    expect(texts(json.read({ tail: 2 })).map((chunk) => chunk.slice(-2))).toEqual(['x\ufffd', '\ufffd']);
  });

  test('UTF-8 stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const log = logOf('28.5');
        add(log, 1, text);
        expect(log.read()[0]?.text).toEqual(Buffer.from(text));
      }),
    );
  });

  test('an empty line that journald of 20.10 does not show counts for tail', () => {
    const log = logOf('20.10', { format: 'journald' });
    for (const [at, text] of ['first', '', 'last'].entries()) add(log, at, text);
    expect([1, 2, 3].map((tail) => texts(log.read({ tail })))).toEqual([
      ['last'],
      ['last'],
      ['first', 'last'],
    ]);
  });

  test('journald counts microseconds, stamps each chunk, and hides empty lines in 20.10', () => {
    const read = (version: EngineProfileName): unknown[] => {
      const log = logOf(version, { format: 'journald' });
      log.write('stdout', 'x'.repeat(16_384), 1_999n);
      log.write('stdout', 'y\n\n', 2_500n);
      return log.read().map((entry) => [entry.text.length, entry.stampNs]);
    };
    expect(read('20.10')).toEqual([
      [16_384, 1_000n],
      [1, 2_000n],
    ]);
    expect(read('28.5')).toEqual([
      [16_384, 1_000n],
      [1, 2_000n],
      [0, 2_000n],
    ]);
  });

  test('a TTY has one stream, and lines that end in CR LF', () => {
    const log = logOf('28.5', { tty: true });
    log.writeLine('stderr', 'to stderr', 1n);
    log.write('stdout', 'prompt> ', 2n);
    log.write('stderr', 'oops\r\n', 3n);
    expect(log.read().map((entry) => [entry.stream, entry.text.toString()])).toEqual([
      ['stdout', 'to stderr\r'],
      ['stdout', 'prompt> oops\r'],
    ]);
  });
});
