import { expect, test } from '@jest/globals';
import type { AccountLine } from '../../../../src/commands/demo/account.js';
import { PieceJoiner } from '../../../../src/commands/demo/piece-joiner.js';
import type { LinePiece } from '../../../../src/model/line-piece.js';

const line = (text: string, nanos: number): AccountLine => ({
  containerId: 'a',
  stream: 1,
  seconds: 5,
  nanos,
  text,
});
const piece = (number: number, count?: number): LinePiece => ({
  lineId: 5_000_000_010n,
  number,
  ...(count === undefined ? {} : { count }),
});

test('pieces come as the line that they are of, others as they are', () => {
  const seen: AccountLine[] = [];
  const joiner = new PieceJoiner<AccountLine>((each) => seen.push(each));
  joiner.add(line('before', 9), undefined);
  joiner.add(line('aa', 10), piece(1));
  joiner.add(line('between', 10), undefined);
  joiner.add(line('aa', 11), piece(2));
  joiner.add(line('b', 12), piece(3, 3));
  joiner.end();
  expect(seen).toEqual([line('before', 9), line('between', 10), line('aaaab', 10)]);
});

test('a line whose last piece does not say so comes at the end; what does not follow comes by itself', () => {
  const seen: AccountLine[] = [];
  const joiner = new PieceJoiner<AccountLine>((each) => seen.push(each));
  joiner.add(line('aa', 10), piece(1));
  joiner.add(line('aa', 10), piece(1));
  joiner.add(line('d', 13), piece(4, 4));
  joiner.add(line('bb', 11), piece(2));
  joiner.end();
  expect(seen).toEqual([line('aa', 10), line('d', 13), line('aabb', 10)]);
});
