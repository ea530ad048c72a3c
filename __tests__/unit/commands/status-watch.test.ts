import { describe, expect, test } from '@jest/globals';
import { Writable } from 'node:stream';
import { outliveReaders } from '../../../src/commands/output.js';
import { watch } from '../../../src/commands/status/watch.js';
import { sharedController } from '../../../src/model/shared-controller.js';
import { recordedOutput, type TerminalSize } from '../../support/commands/recorded-output.js';
import { ManualClock, settle } from '../../support/manual-clock.js';

async function watched(terminal: TerminalSize | undefined, texts: readonly string[]): Promise<string> {
  const output = recordedOutput(terminal);
  const clock = new ManualClock();
  const stop = sharedController();
  let taken = 0;
  const take = () => Promise.resolve({ text: texts[taken] as string, code: taken++ });
  const watching = watch(take, 1000, output.out, clock, stop.signal);
  for (let i = 1; i < texts.length; i++) await clock.pass(1000);
  await settle();
  stop.abort();
  // As the last picture was.
  expect(await watching).toBe(texts.length - 1);
  return output.stdout();
}

describe('watching', () => {
  test('in a pipe one picture comes after the other, without escapes', async () => {
    expect(await watched(undefined, ['one\n', 'two\n'])).toBe('one\ntwo\n');
  });

  test('on a terminal each stands in the place of the one before, and the terminal is given back', async () => {
    const shown = await watched({ columns: 80, rows: 24 }, ['one\nmore\n', 'two\n']);
    expect(shown).toBe(
      '\u001b[2J\u001b[?25l\u001b[?7l\u001b[Hone\u001b[K\nmore\u001b[K\n\u001b[J' +
        '\u001b[Htwo\u001b[K\n\u001b[J' +
        '\u001b[?25h\u001b[?7h',
    );
  });

  test('what does not fit is counted', async () => {
    const shown = await watched({ columns: 80, rows: 4 }, ['1\n2\n3\n4\n5\n']);
    expect(shown).toContain('\u001b[H1\u001b[K\n2\u001b[K\nand 3 more lines: the terminal is too low');
    expect(shown).not.toContain('3\u001b[K');
  });

  test('ends when nobody reads any more, with the code of the last picture', async () => {
    const shown: string[] = [];
    const out = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
        if (shown.push(chunk.toString()) > 1) done(gone);
        else done();
      },
    });
    outliveReaders({ out, err: recordedOutput().err });
    const clock = new ManualClock();
    const stop = sharedController();
    let code: number | undefined;
    void watch(() => Promise.resolve({ text: 'picture\n', code: 3 }), 1000, out, clock, stop.signal).then(
      (ended) => (code = ended),
    );
    await clock.pass(1000);
    await settle();
    await clock.pass(1000);
    await settle();
    expect({ shown, code }).toEqual({ shown: ['picture\n', 'picture\n'], code: 3 });
    // Nothing listens to the stream but what did before.
    expect(out.listenerCount('error')).toBe(1);
  });
});
