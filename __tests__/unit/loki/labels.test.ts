import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatLabels, labelProblems } from '../../../src/loki/labels.js';
import { DEFAULT_LABEL_LIMITS } from '../../../src/model/labels.js';
import { parseLabels, toRecord } from '../../../src/simulators/loki/labels.js';
import { DEFAULT_LIMITS } from '../../../src/simulators/loki/limits.js';
import { Messages } from '../../../src/simulators/loki/messages.js';
import { checkLabels } from '../../../src/simulators/loki/validate.js';

const anyName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,12}$/);
// Whole characters, half surrogate pairs, control characters: what other people's labels may hold.
const anyValue = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat(0xffff).map((code) => String.fromCharCode(code))).map((units) => units.join('')),
);
const anyLabels = fc.dictionary(anyName, anyValue, { maxKeys: 8, noNullPrototype: true });

describe('labels as text', () => {
  test('are read back by the parser of Loki, without empty ones', () => {
    fc.assert(
      fc.property(anyLabels, (labels) => {
        const present = Object.entries(labels).filter(([, value]) => value !== '');
        const wanted = Object.fromEntries(
          present.map(([name, value]) => [name, Buffer.from(value).toString()]),
        );
        expect(toRecord(parseLabels(formatLabels(labels)))).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  test('are one text, whatever order they are given in', () => {
    expect(formatLabels({ b: '2', a: '1' })).toBe('{a="1", b="2"}');
    expect(formatLabels({})).toBe('{}');
  });

  test.each([
    ['"', '\\"'],
    ['\\', '\\\\'],
    ['\n\r\t\v\f\b\x07', '\\n\\r\\t\\v\\f\\b\\a'],
    ['\x00\x1b\x7f', '\\x00\\x1b\\x7f'],
    ['\x80\x9f', '\\u0080\\u009f'],
    ['}, x="y', '}, x=\\"y'],
    ['ü€😀\u2028', 'ü€😀\u2028'],
    ['half \ud800 pair', 'half \ufffd pair'],
  ])('%j is written as %j', (value, written) => {
    expect(formatLabels({ a: value })).toBe(`{a="${written}"}`);
  });
});

describe('what Loki would refuse', () => {
  const refused = (labels: Record<string, string>): boolean => {
    const read = parseLabels(formatLabels(labels));
    if (read.length === 0) return true;
    return checkLabels(read, '{}', DEFAULT_LIMITS, new Messages('3.5')) !== undefined;
  };

  test('is what Loki refuses', () => {
    const anyLength = (limit: number) =>
      fc.oneof(fc.nat(5), fc.integer({ min: limit - 1, max: limit + 1 })).map((n) => 'n'.repeat(n));
    const anyPair = fc.tuple(
      anyLength(1024).map((rest) => `n${rest}`),
      fc.oneof(anyLength(2048), fc.constant('ü'.repeat(1024)), fc.constant('ü'.repeat(1025))),
    );
    const anySet = fc
      .tuple(fc.array(anyPair, { maxLength: 3 }), fc.nat(17), fc.boolean())
      .map(([pairs, more, named]) => ({
        ...Object.fromEntries(pairs),
        ...Object.fromEntries(Array.from({ length: more }, (_, i) => [`l${i}`, 'v'])),
        ...(named ? { service_name: 's' } : {}),
      }));
    fc.assert(
      fc.property(anySet, (labels) => {
        expect(labelProblems(labels).length > 0).toBe(refused(labels));
      }),
      { numRuns: 300 },
    );
  });

  test('is said with name and figures', () => {
    expect(labelProblems({})).toEqual(['there is no label, and a stream needs one']);
    expect(labelProblems({ a: '' })).toEqual(['there is no label, and a stream needs one']);
    expect(labelProblems({ 'a-b': 'x' })).toEqual(['"a-b" is not a label name']);
    const limits = { ...DEFAULT_LABEL_LIMITS, maxNames: 1, maxNameBytes: 3, maxValueBytes: 4 };
    expect(labelProblems({ long: 'values', b: 'x' }, limits)).toEqual([
      '2 labels, and Loki takes 1',
      'the name "long" has 4 bytes, and Loki takes 3',
      'the value of "long" has 6 bytes, and Loki takes 4',
    ]);
    expect(labelProblems({ service_name: 's', b: 'x' }, { ...limits, maxNameBytes: 20 })).toEqual([]);
  });
});
