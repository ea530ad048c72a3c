import { describe, expect, test } from '@jest/globals';
import { pollard } from '../../support/commands/pollard.js';

describe('a command line that cannot be meant', () => {
  test.each([
    ['run --poll-intervall 1s', 'run has no option --poll-intervall', 'did you mean --poll-interval?'],
    // Hidden in the help, and near all the same.
    ['run --poll.interval=1s', 'run has no option --poll.interval', 'did you mean --poll-interval?'],
    ['run --loki_url http://x', 'run has no option --loki_url', 'did you mean --loki-url?'],
    ['run --loki-tls-ca /x', 'run has no option --loki-tls-ca', 'did you mean --loki-tls-ca-file?'],
    [
      'run --docker-tls-cer-file /x',
      'run has no option --docker-tls-cer-file',
      'did you mean --docker-tls-cert-file?',
    ],
    ['catch-up --jsn', 'catch-up has no option --jsn', 'did you mean --json?'],
    ['run --xyzzyxyzzy', 'run has no option --xyzzyxyzzy', 'pollard run --help'],
    ['rum', 'there is no command "rum"', 'did you mean run?'],
    ['help foo', 'there is no command "foo"', 'pollard --help'],
    ['help chek', 'there is no command "chek"', 'did you mean check?'],
    ['help cursors shwo', 'there is no command "shwo"', 'did you mean show?'],
    ['help check foo', 'check has no commands below it', 'pollard check --help'],
    ['cursors help shwo', 'there is no command "shwo"', 'did you mean show?'],
    ['--versio', 'pollard has no option --versio', 'did you mean --version?'],
    ['run --loki-url', "option '--loki-url <value>' argument missing", 'pollard run --help'],
    ['run now', 'too many arguments', 'pollard run --help'],
  ])('%s', async (line, problem, hint) => {
    const { code, stdout, stderr } = await pollard(line.split(' '));
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^pollard: [^\n]+\n {2}-> [^\n]+\n$/);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(hint);
  });

  test('none at all: the commands there are', async () => {
    const { code, stderr } = await pollard([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: pollard');
    expect(stderr).toMatch(/pollard: a command is missing: run, catch-up/);
  });

  test('a secret behind a mistyped flag is not repeated', async () => {
    for (const args of [
      ['run', '--loki-basic-auth-pasword=hunter2-secret'],
      ['run', '--loki-basic-auth-pasword', 'hunter2-secret'],
      ['run', 'hunter2-secret'],
    ]) {
      const { code, all } = await pollard(args);
      expect(code).toBe(2);
      expect(all).not.toContain('hunter2');
    }
  });

  test('escapes of a terminal are not passed on', async () => {
    const { code, stderr } = await pollard(['ru\u001b[2Jn']);
    expect(code).toBe(2);
    expect(stderr).not.toContain('\u001b');
  });
});

describe('help', () => {
  const helpOf = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await pollard([...args, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };

  test('each command tells its exit codes', async () => {
    const commands = [
      ...(await helpOf()).matchAll(/^ {2}([a-z-]+)(?: \[options\].*| \[command\].*)? {2,}\S/gm),
    ]
      .map(([, name]) => name as string)
      .filter((name) => name !== 'help');
    expect(commands).toEqual(expect.arrayContaining(['run', 'catch-up', 'demo']));
    for (const name of commands) expect(await helpOf(name)).toMatch(/exit code/i);
  });

  test.each([
    ['help', '--help'],
    ['help help', '--help'],
    ['help check', 'check --help'],
    ['help cursors', 'cursors --help'],
    ['help cursors show', 'cursors show --help'],
    ['cursors help', 'cursors --help'],
    ['cursors help show', 'cursors show --help'],
  ])('%s is %s', async (line, flag) => {
    const help = await pollard(line.split(' '));
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help).toEqual(await pollard(flag.split(' ')));
  });

  test('run has examples', async () => {
    expect(await helpOf('run')).toMatch(/Examples:\n {2}pollard run --config/);
  });
});
