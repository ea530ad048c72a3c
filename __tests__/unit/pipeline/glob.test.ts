import fc from 'fast-check';
import { anyGlob, globMatcher } from '../../../src/pipeline/glob.js';

/** What a pattern means, in its shortest form. Takes for ever for many stars. */
function reference(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '*') return reference(rest, text) || (text.length > 0 && reference(pattern, text.slice(1)));
  return text.length > 0 && (first === '?' || first === text[0]) && reference(rest, text.slice(1));
}

describe('a pattern for names', () => {
  test.each([
    ['web', 'web', true],
    ['web', 'web-1', false],
    ['web', 'Web', false],
    ['web-*', 'web-', true],
    ['web-*', 'web-1', true],
    ['web-*', 'my-web-1', false],
    ['*-1', 'web-1', true],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['?', '', false],
    ['?', '😀', true],
    ['w?b', 'web', true],
    ['w?b', 'wb', false],
    // The ends may not share what there is once.
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['a*bc*c', 'abcc', true],
    ['a*bc*c', 'abc', false],
    ['a*b?*c', 'abbc', true],
    // No regular expression.
    ['shop.web', 'shopXweb', false],
    ['[ab]', 'a', false],
    ['a+(b)|c', 'a+(b)|c', true],
  ])('%j on %j: %s', (pattern, text, expected) => {
    expect(globMatcher(pattern)(text)).toBe(expected);
  });

  test('any pattern on any text: as its meaning says', () => {
    const few = (alphabet: string, maxLength: number) =>
      fc.array(fc.constantFrom(...Array.from(alphabet)), { maxLength }).map((chars) => chars.join(''));
    let matched = 0;
    fc.assert(
      fc.property(few('ab?***', 8), few('ab', 10), (pattern, text) => {
        const expected = reference(Array.from(pattern), Array.from(text));
        expect(globMatcher(pattern)(text)).toBe(expected);
        if (expected) matched++;
      }),
      { numRuns: 3000 },
    );
    expect(matched).toBeGreaterThan(300);
  });

  test('many stars are no more work than the text is long: each character is looked at few times', () => {
    // Doubling all ways to share the text, this would never end.
    const matches = globMatcher(`${'*a'.repeat(500)}*b`);
    expect(matches('a'.repeat(5000))).toBe(false);
    expect(matches(`${'a'.repeat(5000)}b`)).toBe(true);
  });

  test('of several, one is enough; of none, none matches', () => {
    const either = anyGlob(['web-*', 'db']);
    expect(['web-1', 'db', 'db-1'].map(either)).toEqual([true, true, false]);
    expect(anyGlob([])('web')).toBe(false);
  });
});
