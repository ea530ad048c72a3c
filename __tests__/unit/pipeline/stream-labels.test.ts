import fc from 'fast-check';
import { labelProblems } from '../../../src/loki/labels.js';
import { sanitizeLabelName } from '../../../src/model/labels.js';
import {
  containerMetadata,
  streamLabels,
  type DefaultLabel,
  type LabelSettings,
  type LeftOut,
} from '../../../src/pipeline/stream-labels.js';
import { summaryOf } from '../../support/any-container.js';

const SETTINGS: LabelSettings = {
  job: 'docker',
  host: 'machine',
  static: {},
  drop: [],
  fromContainer: {},
  structuredMetadata: true,
};
const COMPOSE = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' };

function telling() {
  const said: { container: string; names: readonly string[]; reason: LeftOut }[] = [];
  const onLeftOut = (container: string, names: readonly string[], reason: LeftOut): void => {
    said.push({ container, names, reason });
  };
  return { said, onLeftOut };
}

describe('the labels of a stream', () => {
  test('of a container of Compose, and of one that is not', () => {
    const common = { container: 'web', image: 'shop:1', host: 'machine', job: 'docker' };
    expect(streamLabels(summaryOf({ labels: COMPOSE }), 'stdout', SETTINGS)).toEqual({
      ...common,
      stream: 'stdout',
      compose_project: 'shop',
      compose_service: 'web',
    });
    expect(streamLabels(summaryOf(), 'stderr', SETTINGS)).toEqual({ ...common, stream: 'stderr' });
  });

  test('are left out where they are dropped or empty; the stream stays', () => {
    const drop: DefaultLabel[] = ['container', 'host', 'compose_project', 'compose_service', 'job'];
    const bare = summaryOf({ image: '', labels: COMPOSE });
    expect(streamLabels(bare, 'stdout', { ...SETTINGS, drop })).toEqual({ stream: 'stdout' });
  });

  test('an image without a name is its short id', () => {
    const image = `sha256:${'0123456789abcdef'.repeat(4)}`;
    expect(streamLabels(summaryOf({ image }), 'stdout', SETTINGS)['image']).toBe('0123456789ab');
  });

  test('static ones and the container’s own are added, with names as Loki wants them', () => {
    const container = summaryOf({ labels: { 'org.team': 'red', none: '' } });
    const labels = streamLabels(container, 'stdout', {
      ...SETTINGS,
      static: { 'data-center': 'eu', '9lives': 'x', empty: '' },
      fromContainer: { 'the.team': 'org.team', nothing: 'none', absent: 'toString' },
    });
    expect(labels).toMatchObject({ data_center: 'eu', _9lives: 'x', the_team: 'red' });
    expect(Object.keys(labels).sort()).toEqual(
      ['_9lives', 'container', 'data_center', 'host', 'image', 'job', 'stream', 'the_team'].sort(),
    );
  });

  test('a name that means something to the language is a name', () => {
    const labels = streamLabels(summaryOf(), 'stdout', {
      ...SETTINGS,
      static: JSON.parse('{"__proto__":"x"}'),
    });
    expect(Object.entries(labels)).toContainEqual(['__proto__', 'x']);
  });

  test('a default one gives way to the container’s own, and both to a static one, which is said once', () => {
    const { said, onLeftOut } = telling();
    const settings = {
      ...SETTINGS,
      static: { job: 'mine', team: 'blue' },
      fromContainer: { team: 'org.team', container: 'org.name' },
      onLeftOut,
    };
    const named = summaryOf({ labels: { 'org.team': 'red', 'org.name': 'shop-web' } });
    for (const stream of ['stdout', 'stderr', 'stdout'] as const) {
      expect(streamLabels(named, stream, settings)).toMatchObject({
        job: 'mine',
        team: 'blue',
        container: 'shop-web',
        stream,
      });
    }
    expect(said).toEqual([{ container: 'web', names: ['team'], reason: 'name_taken' }]);
    // Without a label of its own it keeps what it has, and nothing is taken from it.
    expect(streamLabels(summaryOf({ name: 'db' }), 'stdout', settings)['container']).toBe('db');
    expect(said).toHaveLength(1);
  });

  test('two names that become one, and `stream`, are said', () => {
    const { said, onLeftOut } = telling();
    const labels = streamLabels(summaryOf({ labels: { a: '1', b: '2' } }), 'stdout', {
      ...SETTINGS,
      static: { stream: 'both' },
      fromContainer: { 'x.y': 'a', 'x-y': 'b' },
      onLeftOut,
    });
    expect(labels).toMatchObject({ stream: 'stdout', x_y: '1' });
    expect(said).toEqual([{ container: 'web', names: ['stream', 'x-y'], reason: 'name_taken' }]);
  });

  test('of too many, the container’s own are left out from the last on, then static ones; said once', () => {
    const { said, onLeftOut } = telling();
    const numbered = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, `${prefix}${n}`]));
    const container = summaryOf({ labels: { ...COMPOSE, ...numbered('c', 4) } });
    const some = { ...SETTINGS, static: numbered('s', 6), fromContainer: numbered('c', 4), onLeftOut };
    for (const stream of ['stdout', 'stderr'] as const) {
      expect(Object.keys(streamLabels(container, stream, some))).toEqual(
        expect.arrayContaining(['compose_service', 'stream', 's5', 'c0', 'c1']),
      );
      expect(Object.keys(streamLabels(container, stream, some))).toHaveLength(15);
    }
    expect(said).toEqual([{ container: 'web', names: ['c3', 'c2'], reason: 'too_many' }]);

    // Loki counts no service_name, and adds its own only where there is none.
    const many = { ...some, static: { ...numbered('s', 10), service_name: 'shop' } };
    const kept = Object.keys(streamLabels(container, 'stdout', many));
    expect(kept).toHaveLength(16);
    expect(kept).toEqual(expect.arrayContaining(['service_name', 's0', 's7', 'compose_project']));
    expect(said[1]).toEqual({
      container: 'web',
      names: ['c3', 'c2', 'c1', 'c0', 's9', 's8'],
      reason: 'too_many',
    });
  });

  test('any settings and container: what Loki takes, the same each time', () => {
    const odd = fc.string({
      unit: fc.constantFrom('a', 'b', '_', '.', '-', '1', 'ä', '😀', '\ud800'),
      maxLength: 5,
    });
    const value = fc.oneof(
      odd,
      fc.constantFrom('', 'x'),
      fc.nat(9000).map((length) => '😀ä'.repeat(length / 2)),
    );
    const settings = fc.record({
      job: value,
      host: value,
      static: fc.dictionary(odd, value, { maxKeys: 20 }),
      drop: fc.subarray<DefaultLabel>([
        'container',
        'image',
        'host',
        'compose_project',
        'compose_service',
        'job',
      ]),
      fromContainer: fc.dictionary(odd, odd, { maxKeys: 20 }),
      structuredMetadata: fc.boolean(),
    });
    const container = fc.record({ name: value, image: value, labels: fc.dictionary(odd, value) });
    fc.assert(
      fc.property(settings, container, fc.constantFrom('stdout', 'stderr'), (set, over, stream) => {
        const { said, onLeftOut } = telling();
        const seen = summaryOf(over);
        const labels = streamLabels(seen, stream, { ...set, onLeftOut });
        expect(labelProblems(labels)).toEqual([]);
        expect(labels['stream']).toBe(stream);
        expect(Object.values(labels)).not.toContain('');
        expect(streamLabels(seen, stream, set)).toEqual(labels);
        // No static label is missing or another without a word.
        for (const [name, wanted] of Object.entries(set.static)) {
          const found = labels[sanitizeLabelName(name)];
          const mentioned = said.some(
            ({ names }) => names.includes(name) || names.includes(sanitizeLabelName(name)),
          );
          if (wanted === '' || mentioned) continue;
          expect(
            Buffer.from(wanted)
              .toString()
              .startsWith(found ?? '?'),
          ).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('the id goes with each line, where that is on', () => {
  const container = summaryOf();
  expect(containerMetadata(container, SETTINGS)).toEqual({ container_id: container.id });
  expect(containerMetadata(container, { ...SETTINGS, structuredMetadata: false })).toEqual({});
});
