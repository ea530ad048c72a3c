import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readRefusal } from '../../../src/loki/refusals.js';
import { formatLabels } from '../../../src/loki/labels.js';
import { grouped, Messages, MISSING_LABELS, MISSING_STREAMS } from '../../../src/simulators/loki/messages.js';
import { HOUR, NOW, SECOND } from '../../support/push-lines.js';

const A = '{service_name="s", stream="a"}';

/** What the ingester says of a stream with entries that it did not take. */
const ingester = (reason: string, labels = A): string =>
  `entry with timestamp 2023-11-14 21:13:19 +0000 UTC ignored, reason: '${reason}',\n` +
  `user 'fake', total ignored: 1 out of 2 for stream: ${labels}\n`;

const meaning = (text: string): string | undefined => {
  const read = readRefusal(text, 'shown');
  return read?.kind === 'refused' ? read.why : read?.setting;
};

describe.each(['3.5', '3.7'] as const)('the words of Loki %s', (version) => {
  const say = new Messages(version);
  test.each([
    ['too old', say.tooOld(A, NOW - 200n * HOUR, NOW), 'too-old'],
    ['too new', say.tooNew(A, NOW), 'too-new'],
    ['too far behind', ingester(say.tooFarBehind(NOW - HOUR, NOW)), 'too-far-behind'],
    ['a line that is too long', say.lineTooLong(262_144, A, 262_145), 'line-too-long'],
    ['too many labels', say.tooManyLabels(A, 16, 15), 'stream'],
    ['a long label name', say.labelNameTooLong(A, 'n'.repeat(1025)), 'stream'],
    ['a long label value', say.labelValueTooLong(A, 'v'.repeat(2049)), 'stream'],
    ['a label twice', say.duplicateLabel(A, 'n'), 'stream'],
    ['large metadata', say.metadataTooLarge(A, 65_537, 65_536), 'stream'],
    ['many metadata', say.metadataTooMany(A, 129, 128), 'stream'],
    ['a message too large for gRPC', 'grpc: received message larger than max (5 vs. 4)', 'too-large'],
    ['no label', MISSING_LABELS, 'stream'],
    ['labels that cannot be read', "couldn't parse labels: 1:4: parse error: unexpected", 'stream'],
    ['metadata that are forbidden', say.metadataDisallowed(A), 'labels.structured_metadata'],
    ['a tenant that is blocked', say.blocked('fake', NOW, 260), 'loki.tenant'],
    ['no tenant', 'no org id', 'loki.tenant'],
    ['several tenants', 'multiple org IDs present', 'loki.tenant'],
    ['a bad tenant', "tenant ID 'a/b' contains unsupported character '/'", 'loki.tenant'],
    ['a long tenant', 'tenant ID is too long: max 150 characters', 'loki.tenant'],
    ['labels that are demanded', "stream '{}' is missing required labels team", 'labels.static'],
    ['no stream', MISSING_STREAMS, undefined],
    ['an unknown reason', 'the moon is full', undefined],
    ['nothing', '', undefined],
  ])('%s', (_, text, wanted) => {
    expect(meaning(text)).toBe(wanted);
    expect(meaning(`2 errors like: ${text}; 1 errors like: something else\n`)).toBe(wanted);
    expect(meaning(text.toUpperCase().replaceAll('N'.repeat(30), ''))).toBe(wanted);
  });
});

test('out of order, where Loki has unordered writes switched off', () => {
  expect(meaning(ingester('entry out of order'))).toBe('too-far-behind');
});

test('is shown as it is told to be', () => {
  expect(readRefusal('no org id', 'shown')).toMatchObject({ kind: 'halt', reason: 'shown' });
  expect(readRefusal('timestamp too new', 'shown')).toEqual({
    kind: 'refused',
    why: 'too-new',
    reason: 'shown',
  });
});

describe('where the window begins', () => {
  const say = new Messages('3.5');
  test('is read, in whole seconds', () => {
    expect(readRefusal(ingester(say.tooFarBehind(NOW - 2n * HOUR, NOW - HOUR)), '')).toMatchObject({
      oldestAcceptable: NOW - HOUR,
    });
    expect(readRefusal(say.tooOld(A, NOW - 200n * HOUR, NOW - 7n * SECOND), '')).toMatchObject({
      oldestAcceptable: NOW - 7n * SECOND,
    });
  });

  test('of a Loki in another time zone, whose texts have its offset', () => {
    const text =
      'entry for stream \'{a="b"}\' has timestamp too old: 2023-11-01T00:00:00Z, oldest acceptable timestamp is: 2023-11-15T00:13:20+02:00';
    expect(readRefusal(text, '')).toMatchObject({ why: 'too-old', oldestAcceptable: NOW });
  });

  test.each(['', 'soon', '2023-99-99T00:00:00Z', '----------------------', '2023-11-14T22:13:20.1Z....'])(
    '%j is no time, or is one and nothing more',
    (text) => {
      const read = readRefusal(`timestamp too old: x, oldest acceptable timestamp is: ${text}`, '');
      const found = read?.kind === 'refused' ? read.oldestAcceptable : undefined;
      expect([undefined, NOW + 100_000_000n]).toContain(found);
    },
  );
});

describe('several reasons', () => {
  const say = new Messages('3.5');
  test('the first named counts', () => {
    const old = say.tooOld(A, NOW - 200n * HOUR, NOW);
    const long = say.lineTooLong(10, A, 11);
    expect(meaning(grouped([old, long]))).toBe('too-old');
    expect(meaning(grouped([long, old]))).toBe('line-too-long');
  });
});

describe("labels are other people's text, and may say anything", () => {
  const said = [
    'timestamp too old',
    'timestamp too new',
    'no org id',
    'has 16 label names; limit 15',
    'received message larger than max',
    '"} timestamp too old {a="',
    '\\"} no org id',
    "'}\n entry too far behind",
  ];
  const say = new Messages('3.5');

  test.each(said)('%j', (value) => {
    const labels = formatLabels({ a: value, b: '}{' });
    expect(meaning(ingester(say.tooFarBehind(NOW, NOW), labels))).toBe('too-far-behind');
    expect(meaning(`entry for stream '${labels}' has something new against it`)).toBeUndefined();
    expect(meaning(say.lineTooLong(10, labels, 11))).toBe('line-too-long');
  });

  test('also where the answer was cut off in the middle of them', () => {
    for (const value of said) {
      const labels = formatLabels({ a: value, b: 'x'.repeat(50) });
      const text = `entry for stream '${labels}`;
      // Cut anywhere behind the value.
      for (const cut of [text.length - 1, text.length - 3, text.length - 30]) {
        expect(meaning(text.slice(0, cut))).toBeUndefined();
      }
    }
  });

  test('no value takes long to read, not even one made for it', () => {
    // Each `{` opens what is never closed: tried anew from each, this would take minutes.
    for (const unit of ['{', '{"', '{"\\"', '{\\"', '{"a"', '{a="b",']) {
      const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
      expect(meaning(`${text} x`)).toBeUndefined();
    }
  });
});

test('any text has a meaning or none', () => {
  const anyText = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('{', '}', '"', '\\', "'", 'timestamp too old', 'no org id', 'entry out of order'),
    ),
  );
  fc.assert(
    fc.property(anyText, (parts) => {
      const read = readRefusal(parts.join(''), 'shown');
      if (read !== undefined) expect(read.reason).toBe('shown');
    }),
  );
});
