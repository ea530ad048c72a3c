import { expect, test } from '@jest/globals';
import { encodePushRequest } from '../../support/loki-push.js';
import { batchOf, decoded, NOW, pushLine, testTarget } from '../../support/push-lines.js';

test('carries labels and structured metadata as another library writes them', () => {
  const target = testTarget({
    labels: { b: 'ü"\n', a: 'x', empty: '' },
    structuredMetadata: { z: '1', container_id: 'äb', m: '' },
    tenant: 't',
  });
  expect(target.labelString).toBe('{a="x", b="ü\\"\\n"}');
  expect(target.tenant).toBe('t');
  const metadata = { container_id: 'äb', m: '', z: '1' };
  const theirs = encodePushRequest([
    { labels: target.labelString, entries: [{ stamp: NOW + 1n, line: 'x', metadata }] },
  ]);
  const request = batchOf([pushLine(NOW + 1n)], target)
    .all()
    .toRequest();
  // They write the metadata's names and values as they come; ours are sorted.
  expect(request).toEqual(theirs);
});

test('the order in which labels and metadata are given changes nothing', () => {
  const one = testTarget({ labels: { a: '1', b: '2' }, structuredMetadata: { x: '1', y: '2' } });
  const other = testTarget({ labels: { b: '2', a: '1' }, structuredMetadata: { y: '2', x: '1' } });
  expect(other.encodedLabels).toEqual(one.encodedLabels);
  expect(other.encodedMetadata).toEqual(one.encodedMetadata);
});

test('without metadata, and without a tenant', () => {
  const target = testTarget();
  expect(target.encodedMetadata).toHaveLength(0);
  expect('tenant' in target).toBe(false);
  expect(
    decoded(
      batchOf([pushLine(NOW)], target)
        .all()
        .toRequest(),
    ).metadata,
  ).toEqual([[]]);
});
