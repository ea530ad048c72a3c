import { lengthDelimited, VarintReader } from './varint.js';

/** EntryAdapter.structuredMetadata (pkg/push/push.proto), a LabelPairAdapter each. */
const PAIR_FIELD = 3;
const NAME_FIELD = 1;
const VALUE_FIELD = 2;

/** Structured metadata as it stands in an encoded entry. */
export function encodePairs(pairs: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    pairs.map(([name, value]) =>
      lengthDelimited(
        PAIR_FIELD,
        Buffer.concat([lengthDelimited(NAME_FIELD, text(name)), lengthDelimited(VALUE_FIELD, text(value))]),
      ),
    ),
  );
}

/** What encodePairs wrote to `source[start, end)`. */
export function decodePairs(source: Buffer, start: number, end: number): Record<string, string> {
  const pairs: [string, string][] = [];
  const reader = new VarintReader(source, start);
  const next = (): string => {
    reader.at++;
    const length = reader.next();
    reader.at += length;
    return source.toString('utf8', reader.at - length, reader.at);
  };
  while (reader.at < end) {
    // Tag and length of the pair.
    reader.at++;
    reader.next();
    pairs.push([next(), next()]);
  }
  return Object.fromEntries(pairs);
}

function text(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}
