import fc from 'fast-check';
import { Identity, Turns } from '../../../src/collector/identity.js';
import type { ContainerSummary } from '../../../src/model/container.js';

const NAMES = ['abc123_web', 'web', 'shop'] as const;

const details = { tty: false, logDriver: 'json-file', startedAt: 1n, finishedAt: 0n, running: true };
const summary = (name: string): ContainerSummary => ({
  id: 'a',
  name,
  image: 'i',
  labels: { of: 'the container' },
  state: 'running',
  created: 1n,
});

type Step =
  | { readonly kind: 'rename'; readonly to: string; readonly isSeen: boolean }
  | { readonly kind: 'ask'; readonly of: 'list' | 'inspect' }
  | { readonly kind: 'answer'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('rename' as const),
    to: fc.constantFrom(...NAMES),
    isSeen: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('ask' as const), of: fc.constantFrom('list' as const, 'inspect' as const) }),
  fc.record({ kind: fc.constant('answer' as const), which: fc.nat(10) }),
);

test('any order of questions, answers, renames and events: the name is that of the newest question answered', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, isListed) => {
      const turns = new Turns();
      let isCalled: string = NAMES[0];
      const identity = isListed
        ? Identity.listed(summary(isCalled), turns.next())
        : Identity.unknown({ ...summary('event'), labels: { exitCode: '0' } });
      let newest = isListed ? { turn: 1, name: isCalled } : undefined;
      let lastEvent = 0;
      const open: { readonly of: 'list' | 'inspect'; readonly turn: number; readonly name: string }[] = [];
      for (const todo of steps) {
        switch (todo.kind) {
          case 'rename':
            isCalled = todo.to;
            if (todo.isSeen) identity.mayHaveChanged((lastEvent = turns.next()));
            break;
          case 'ask':
            open.push({ of: todo.of, turn: turns.next(), name: isCalled });
            break;
          case 'answer': {
            const [answer] = open.splice(todo.which % Math.max(open.length, 1), 1);
            if (answer === undefined) break;
            const { of, turn, name } = answer;
            if (of === 'list') identity.listed(summary(name), turn);
            else identity.inspected({ ...details, name, labels: { of: 'the container' } }, turn);
            if (newest === undefined || turn > newest.turn) newest = { turn, name };
          }
        }
        expect(identity.isKnown).toBe(newest !== undefined);
        expect(identity.summary.name).toBe(newest?.name ?? 'event');
        expect(identity.summary.labels).toEqual(newest === undefined ? {} : { of: 'the container' });
        expect(identity.isCurrent).toBe(newest !== undefined && newest.turn > lastEvent);
      }
    }),
    { numRuns: 1000 },
  );
});
