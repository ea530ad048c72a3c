import { describe, expect, test } from '@jest/globals';
import { printError } from '../../../src/commands/print-error.js';
import { PollardError, type ErrorDetails } from '../../../src/model/errors.js';
import { recordedOutput } from '../../support/commands/recorded-output.js';

function printed(error: unknown, secrets: readonly string[] = []): { text: string; code: number } {
  const output = recordedOutput();
  const code = printError(error, output.err, secrets);
  return { text: output.stderr(), code };
}

const failure = (message: string, details: ErrorDetails): PollardError =>
  new PollardError('some_code', message, details);

describe('what ended a command', () => {
  test('what happened, what to do next, and how it ends', () => {
    expect(printed(failure('no socket', { hint: 'start it', exit: 'engine' }))).toEqual({
      text: 'pollard: no socket\n  -> start it\n',
      code: 3,
    });
  });

  test('the setting is named, once', () => {
    const setting = 'docker.host';
    expect(printed(failure('no socket', { hint: 'start it', setting })).text).toContain(
      '  -> start it (setting: docker.host)\n',
    );
    expect(printed(failure('no socket', { hint: 'set docker.host', setting })).text).toContain(
      '  -> set docker.host\n',
    );
    expect(printed(failure('docker.host is bad', { hint: 'mend it', setting })).text).toContain(
      '  -> mend it\n',
    );
    expect(printed(failure('no socket', { setting })).text).toContain('  -> look at docker.host\n');
  });

  test('secrets and what steers a terminal stay away from it; lines stay lines', () => {
    const { text } = printed(
      failure('bad:\n  one \u001b[31mred\n  two hunter2-secret', { hint: 'at https://me:word@host/' }),
      ['hunter2-secret'],
    );
    expect(text).toBe('pollard: bad:\n  one \\u001b[31mred\n  two ***\n  -> at https://me:***@host/\n');
  });

  test('what nobody meant to throw is called a fault of our own', () => {
    const { text, code } = printed(new TypeError('x is not a function'));
    expect(code).toBe(1);
    expect(text).toContain('please report it');
    expect(text).toContain('TypeError: x is not a function');
    expect(printed('just text').text).toContain('just text');
  });
});
