import fc from 'fast-check';
import {
  containerSelection,
  containerSelector,
  enabledByLabel,
  type SelectionSettings,
} from '../../../src/pipeline/selection.js';
import { summaryOf } from '../../support/any-container.js';

const ALL: SelectionSettings = { include: [], exclude: [], optIn: false, self: false, ownId: undefined };
const enable = (value: string) => ({ 'pollard.enable': value });

describe('which containers are collected', () => {
  test('all, where nothing is set', () => {
    expect(containerSelection(ALL)(summaryOf())).toBe('selected');
  });

  test('those that are included and not excluded', () => {
    const selection = containerSelection({ ...ALL, include: ['web-*', 'db'], exclude: ['*-test'] });
    expect(['web-1', 'db', 'cache', 'web-test'].map((name) => selection(summaryOf({ name })))).toEqual([
      'selected',
      'selected',
      'not_included',
      'excluded',
    ]);
  });

  test('a container says no by its label, and yes where that is asked for', () => {
    const of = (settings: Partial<SelectionSettings>, labels: Record<string, string>) =>
      containerSelection({ ...ALL, ...settings })(summaryOf({ labels }));
    expect(of({}, enable('false'))).toBe('disabled');
    expect(of({ include: ['web'] }, enable('false'))).toBe('disabled');
    expect(of({ optIn: true }, enable('false'))).toBe('disabled');
    expect(of({ optIn: true }, enable('true'))).toBe('selected');
    expect(of({ optIn: true }, {})).toBe('not_opted_in');
    // Not understood: not a yes, and not a no.
    expect(of({ optIn: true }, enable('treu'))).toBe('not_opted_in');
    expect(of({}, enable('treu'))).toBe('selected');
    // A yes does not outweigh what the operator wrote.
    expect(of({ exclude: ['web'] }, enable('true'))).toBe('excluded');
    expect(of({ include: ['db'] }, enable('true'))).toBe('not_included');
  });

  test.each([
    ['true', true],
    ['TRUE', true],
    ['1', true],
    [' Yes ', true],
    ['false', false],
    ['False', false],
    ['0', false],
    ['NO', false],
    ['', undefined],
    ['2', undefined],
  ])('pollard.enable=%s means %s', (value, expected) => {
    expect(enabledByLabel(enable(value))).toBe(expected);
  });

  test('never the own one, unless it is asked for', () => {
    const own = summaryOf({ id: `0123456789ab${'c'.repeat(52)}`, labels: enable('true') });
    const other = summaryOf({ id: 'd'.repeat(64) });
    for (const ownId of [own.id, own.id.slice(0, 12)]) {
      expect(containerSelection({ ...ALL, ownId })(own)).toBe('own');
      expect(containerSelection({ ...ALL, ownId, self: true })(own)).toBe('selected');
      expect(containerSelection({ ...ALL, ownId })(other)).toBe('selected');
    }
  });

  test('any settings: one that says no is never collected, and yes or no is the selection', () => {
    const globs = fc.array(fc.constantFrom('*', 'web', 'w?b', 'db*', ''));
    const settings = fc.record({
      include: globs,
      exclude: globs,
      optIn: fc.boolean(),
      self: fc.boolean(),
      ownId: fc.constantFrom(undefined, 'a', 'b'),
    });
    const container = fc.record({
      id: fc.constantFrom('a'.repeat(64), 'c'.repeat(64)),
      name: fc.constantFrom('web', 'db-1', 'cache'),
      labels: fc.constantFrom({}, enable('true'), enable('0'), enable('?')),
    });
    fc.assert(
      fc.property(settings, container, (set, over) => {
        const seen = summaryOf(over);
        const selection = containerSelection(set)(seen);
        expect(containerSelector(set)(seen)).toBe(selection === 'selected');
        if (enabledByLabel(seen.labels) === false) expect(selection).not.toBe('selected');
        if (set.ownId === 'a' && !set.self && seen.id.startsWith('a')) expect(selection).toBe('own');
      }),
    );
  });
});
