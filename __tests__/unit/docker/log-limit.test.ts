import { logLimitOf } from '../../../src/docker/log-limit.js';

const MIB = 1024 ** 2;

test.each<[string, Record<string, string>, unknown]>([
  ['json-file', {}, undefined],
  ['json-file', { 'max-file': '3' }, undefined],
  ['json-file', { 'max-size': '20k', 'max-file': '2' }, { fileBytes: 20_000, files: 2 }],
  ['json-file', { 'max-size': '10m' }, { fileBytes: 10_000_000, files: 1 }],
  ['json-file', { 'max-size': '1.5MB', 'max-file': '3' }, { fileBytes: 1_500_000, files: 3 }],
  ['json-file', { 'max-size': '1 GiB', 'max-file': '3' }, { fileBytes: 1_000_000_000, files: 3 }],
  ['json-file', { 'max-size': '4096', 'max-file': '3' }, { fileBytes: 4096, files: 3 }],
  ['json-file', { 'max-size': '100B', 'max-file': '3' }, { fileBytes: 100, files: 3 }],
  ['json-file', { 'max-size': 'much' }, undefined],
  ['json-file', { 'max-size': '-1' }, undefined],
  ['local', {}, { format: 'local', fileBytes: 20 * MIB, files: 5 }],
  ['local', { 'max-size': '20k', 'max-file': '2' }, { format: 'local', fileBytes: 20_000, files: 2 }],
  ['local', { 'max-file': '1', compress: 'false' }, { fileBytes: 20 * MIB, files: 1 }],
  ['journald', {}, undefined],
  ['none', {}, undefined],
  ['', {}, undefined],
  // Read through the cache, which is a log of driver local.
  ['syslog', {}, { format: 'local', fileBytes: 20 * MIB, files: 5 }],
  [
    'fluentd',
    { 'cache-max-size': '1m', 'cache-max-file': '2' },
    { format: 'local', fileBytes: 1_000_000, files: 2 },
  ],
  // Not every Engine heeds them.
  ['fluentd', { 'cache-max-size': '1g', 'cache-max-file': '9' }, { fileBytes: 20 * MIB, files: 5 }],
])('what a log of %s with %j holds at most', (driver, options, limit) => {
  if (limit === undefined) expect(logLimitOf(driver, options)).toBeUndefined();
  else expect(logLimitOf(driver, options)).toMatchObject(limit as object);
});

test('attributes that each entry has are counted, where they are known only by name', () => {
  const bytes = (options: Record<string, string>): number =>
    logLimitOf('json-file', { 'max-size': '1m', ...options })?.attributeBytes ?? -1;
  expect(bytes({})).toBe(0);
  expect(bytes({ labels: 'app,com.example.team' })).toBeGreaterThan(bytes({ labels: 'app' }));
  expect(bytes({ tag: '{{.Name}}' })).toBeGreaterThan(0);
  expect(bytes({ tag: '' })).toBe(0);
});
