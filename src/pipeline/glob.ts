/** What a pattern asks of a text. */
export type Matcher = (text: string) => boolean;

/**
 * Compiles a pattern for names: `*` stands for any text, also none, `?` for exactly one character, and all else
 * for itself. The whole text must match; upper and lower case differ.
 *
 * Not a regular expression: one made of many stars tries every way to share the text among them. Here each piece
 * between two stars is taken where it is found first, which leaves the most for the rest, so nothing is tried
 * twice. The worst case is the length of the text times that of the longest piece.
 */
export function globMatcher(pattern: string): Matcher {
  const [head = [], ...rest] = pattern.split('*').map((piece) => Array.from(piece));
  const tail = rest.pop();
  if (tail === undefined) {
    return (text) => {
      const chars = Array.from(text);
      return chars.length === head.length && standsAt(chars, 0, head);
    };
  }
  return (text) => {
    const chars = Array.from(text);
    const end = chars.length - tail.length;
    if (end < head.length || !standsAt(chars, 0, head) || !standsAt(chars, end, tail)) return false;
    let at = head.length;
    for (const piece of rest) {
      while (at + piece.length <= end && !standsAt(chars, at, piece)) at++;
      at += piece.length;
      if (at > end) return false;
    }
    return true;
  };
}

/** Matches what one of the patterns matches; without patterns, nothing. */
export function anyGlob(patterns: readonly string[]): Matcher {
  const matchers = patterns.map(globMatcher);
  return (text) => matchers.some((matches) => matches(text));
}

function standsAt(chars: readonly string[], at: number, piece: readonly string[]): boolean {
  return piece.every((char, i) => char === '?' || char === chars[at + i]);
}
