import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameParser } from '../../../../src/docker/frames.js';
import { formatStamp, parseStamp } from '../../../../src/model/nanoseconds.js';
import { EngineLog, type LogFormat } from '../../../../src/simulators/engine/engine-log.js';
import { ENGINE_PROFILES, type EngineProfileName } from '../../../../src/simulators/engine/profile.js';
import { errorOnWire, WireEncoder, wireOptions } from '../../../../src/simulators/engine/wire.js';
import { anyStamp, anyText, Collected } from '../../../support/wire.js';

const NS = parseStamp('2026-01-02T03:04:05.000000007Z')!;
const STAMP = '2026-01-02T03:04:05.000000007Z';

interface Asked {
  profile?: EngineProfileName;
  format?: LogFormat;
  tty?: boolean;
  timestamps?: boolean;
  details?: boolean;
  zoneOffset?: number;
}

function encoder(asked: Asked = {}): WireEncoder {
  const { profile = '28.5', format = 'json-file', tty = false, timestamps = true, details = false } = asked;
  return new WireEncoder(
    wireOptions(ENGINE_PROFILES[profile], format, asked.zoneOffset ?? 120, { tty, timestamps, details }),
  );
}

function lines(asked: Asked, write: (log: EngineLog) => void): string[] {
  const { profile = '28.5', format = 'json-file', tty = false } = asked;
  const log = new EngineLog({ profile: ENGINE_PROFILES[profile], format, tty });
  write(log);
  const wire = encoder(asked);
  return log.read().map((entry) => wire.encode(entry).toString('latin1'));
}

describe('entries on the wire', () => {
  test('a frame: stream, three zeros, length big-endian, stamp, text, newline', () => {
    expect(
      lines({}, (log) => {
        log.writeLine('stdout', 'out', NS);
        log.writeLine('stderr', '', NS);
        log.write('stdout', 'crlf\r\n', NS);
      }),
    ).toEqual([
      `\u0001\0\0\0\0\0\0\u0023${STAMP} out\n`,
      `\u0002\0\0\0\0\0\0\u0020${STAMP} \n`,
      `\u0001\0\0\0\0\0\0\u0025${STAMP} crlf\r\n`,
    ]);
  });

  test('what a parser of frames reads is what was encoded', () => {
    const anyEntry = fc.record({
      stampNs: anyStamp,
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      text: anyText,
      terminated: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyEntry), (entries) => {
        const wire = encoder();
        const collected = new Collected();
        const parser = new FrameParser(collected, 1024);
        for (const entry of entries) parser.push(wire.encode({ ...entry, partial: !entry.terminated }));
        parser.end();
        expect(collected.entries).toEqual(
          entries.map(({ stampNs, stream, text, terminated }) => ({
            stamp: stampNs,
            stream: stream === 'stdout' ? 1 : 2,
            text: Buffer.from(text),
            terminated,
          })),
        );
      }),
    );
  });

  test('a TTY has no frames, and the stamp again in the middle of a long line', () => {
    const [first, second] = lines({ tty: true }, (log) => log.writeLine('stdout', 'x'.repeat(16_394), NS));
    expect(first).toBe(`${STAMP} ${'x'.repeat(16_384)}`);
    expect(second).toBe(`${STAMP} ${'x'.repeat(10)}\r\n`);
  });

  test('20.10 forgets the newline of a long line in driver local, and in the cache', () => {
    const long = (log: EngineLog): void => {
      log.writeLine('stdout', 'x'.repeat(16_384), NS);
      log.writeLine('stdout', 'short', NS);
    };
    const ends = (profile: EngineProfileName, format: LogFormat): boolean[] =>
      lines({ profile, format }, long).map((line) => line.endsWith('\n'));
    expect(ends('20.10', 'local')).toEqual([false, false, true]);
    expect(ends('20.10', 'cache')).toEqual([false, false, true]);
    expect(ends('20.10', 'json-file')).toEqual([false, true, true]);
    expect(ends('28.5', 'local')).toEqual([false, true, true]);
  });

  test('driver local of old versions prints the zone of the daemon', () => {
    const stamp = (asked: Asked): string => encoder(asked).stamp(NS);
    expect(stamp({ profile: '20.10', format: 'local' })).toBe('2026-01-02T05:04:05.000000007+02:00');
    expect(stamp({ profile: '20.10', format: 'local', zoneOffset: -210 })).toBe(
      '2026-01-01T23:34:05.000000007-03:30',
    );
    expect(stamp({ profile: '20.10', format: 'local', zoneOffset: 0 })).toBe(STAMP);
    expect(stamp({ profile: '20.10', format: 'json-file' })).toBe(STAMP);
    expect(stamp({ profile: '24', format: 'local' })).toBe(STAMP);
  });

  test('stamps have nine digits, and follow each other in any order', () => {
    const wire = encoder();
    fc.assert(fc.property(anyStamp, (ns) => expect(wire.stamp(ns)).toBe(formatStamp(ns))));
  });

  test('without timestamps the text alone; details are an empty list and a space', () => {
    const plain = lines({ timestamps: false, tty: true }, (log) => log.writeLine('stdout', 'x', NS));
    expect(plain).toEqual(['x\r\n']);
    const details = lines({ details: true, tty: true }, (log) => log.writeLine('stdout', 'x', NS));
    expect(details).toEqual([`${STAMP}  x\r\n`]);
  });

  test('the daemon’s error is a frame of type 3, in a TTY plain text', () => {
    expect(errorOnWire('no', false).toString('latin1')).toBe(
      '\u0003\0\0\0\0\0\0\u0018Error grabbing logs: no\n',
    );
    expect(errorOnWire('no', true).toString()).toBe('Error grabbing logs: no\n');
  });
});
