import { loadTexts, problemsOf, refusalOf } from '../../support/config-text.js';

const names = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `l${at + from}`);
const mapOf = (keys: readonly string[]) => `{${keys.map((key) => `${key}: x`).join(', ')}}`;

describe.each(['static', 'from_container'])('the names in labels.%s', (key) => {
  test.each([
    ['a-b', 'a-b is no name of a label: letters, digits and _ only, no digit first'],
    ['"a.b"', 'a… is no name of a label: letters, digits and _ only, no digit first'],
    ['1a', '1a is no name of a label: letters, digits and _ only, no digit first'],
    ['\u00e4', '… is no name of a label: letters, digits and _ only, no digit first'],
    ['""', 'has a label without a name'],
    ['__a', '__a begins with __, and such labels are kept for Loki itself'],
    ['stream', 'stream is set by Pollard itself, to stdout or stderr'],
    ['a'.repeat(1025), `${'a'.repeat(60)}… is over 1024 bytes, and Loki takes no more`],
  ])('%s is refused', async (name, problem) => {
    expect(await problemsOf({ yaml: `labels: {${key}: {? ${name} : x}}` })).toEqual([
      `labels.${key}: ${problem}`,
    ]);
  });

  test.each(['a', '_', 'A1_', 'host', 'service_name'])('%s is accepted', async (name) => {
    await expect(loadTexts({ yaml: `labels: {${key}: {${name}: x}}` })).resolves.toBeDefined();
  });

  test('are told with the line they stand on', async () => {
    const error = await refusalOf({ yaml: `labels:\n  ${key}:\n    good: x\n    not-good: y\n` });
    expect(error.message).toMatch(/yaml:4\)$/);
  });
});

test('a static value longer than Loki takes is refused', async () => {
  expect(
    await problemsOf({ yaml: `labels: {static: {a: ${'x'.repeat(2049)}, b: ${'x'.repeat(2048)}}}` }),
  ).toEqual(['labels.static: the value of a is over 2048 bytes, and Loki takes no more']);
});

test('a label that is both static and of the container is refused', async () => {
  expect(await problemsOf({ yaml: 'labels: {static: {a: x, b: x}, from_container: {b: y}}' })).toEqual([
    'labels.static: b is in labels.from_container too, and a label has one value',
  ]);
});

describe('with those that are there by default', () => {
  // container, image, host, compose_project, compose_service, job; and stream.
  const tooMany = (setting: string, count: number) =>
    `${setting}: with those that are there by default a stream has ${count} labels, and Loki takes 15; leave some out, or name them in labels.drop`;

  test('there is room for 8 more', async () => {
    await expect(loadTexts({ yaml: `labels: {static: ${mapOf(names(8))}}` })).resolves.toBeDefined();
    expect(await problemsOf({ yaml: `labels: {static: ${mapOf(names(9))}}` })).toEqual([
      tooMany('labels.static', 16),
    ]);
    expect(await problemsOf({ yaml: `labels: {from_container: ${mapOf(names(10))}}` })).toEqual([
      tooMany('labels.from_container', 17),
    ]);
    expect(
      await problemsOf({
        yaml: `labels: {static: ${mapOf(names(5))}, from_container: ${mapOf(names(4, 5))}}`,
      }),
    ).toEqual([tooMany('labels.static', 16)]);
  });

  test.each([
    ['one is left out', `{static: ${mapOf(names(9))}, drop: [image]}`],
    ['one takes the place of a default one', `{static: ${mapOf([...names(8), 'image'])}}`],
    ['one is service_name, which Loki does not count', `{static: ${mapOf([...names(8), 'service_name'])}}`],
    [
      'one has no value, and is none',
      `{static: {${names(8)
        .map((name) => `${name}: x`)
        .join(', ')}, l9: ""}}`,
    ],
  ])('there is room for 9 when %s', async (_, labels) => {
    await expect(loadTexts({ yaml: `labels: ${labels}` })).resolves.toBeDefined();
  });
});

describe('backfill.label', () => {
  test.each([
    ['a-b', 'a-b is no name of a label: letters, digits and _ only, no digit first'],
    ['stream', 'stream is set by Pollard itself, to stdout or stderr'],
    ['host', 'host is a label of the live streams, and a label has one value'],
  ])('%s is refused', async (name, problem) => {
    expect(await problemsOf({ flags: { 'backfill.label': name } })).toContain(`backfill.label: ${problem}`);
  });

  test('one that labels.static has is refused', async () => {
    const flags = { 'backfill.label': 'env', 'labels.static': '{env: prod}' };
    expect(await problemsOf({ flags })).toEqual([
      'backfill.label: env is a label of the live streams, and a label has one value',
    ]);
  });
});
