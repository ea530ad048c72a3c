import type { Command } from 'commander';
import { noSuchCommand, noCommandsBelow } from './usage-error.js';

const HELP = 'help';

/**
 * `help check` as `check --help`, at each level: `help cursors show` and `cursors help show` alike. The library shows
 * the general help for a command that it does not know, and says nothing of it.
 *
 * @param words of the command line, after the program's name
 * @returns the words unchanged where they do not ask for help by the command
 * @throws PollardError `usage` for a command that there is not
 */
export function helpAsFlag(program: Command, words: readonly string[]): readonly string[] {
  const at = words.indexOf(HELP);
  // Words before it that are no commands, or flags after it, are for the library to judge.
  const above = at < 0 ? undefined : commandAt(program, words.slice(0, at));
  if (above === undefined || above.commands.length === 0) return words;
  const asked = words.slice(at + 1);
  if (asked.some((word) => word.startsWith('-'))) return words;
  const names = asked.length === 1 && asked[0] === HELP ? [] : asked;
  let command = above;
  for (const name of names) {
    const next = childOf(command, name);
    if (next === undefined) {
      throw command.commands.length === 0 ? noCommandsBelow(command) : noSuchCommand(command, name);
    }
    command = next;
  }
  return [...words.slice(0, at), ...names, '--help'];
}

function commandAt(program: Command, names: readonly string[]): Command | undefined {
  return names.reduce<Command | undefined>((command, name) => command && childOf(command, name), program);
}

function childOf(command: Command, name: string): Command | undefined {
  return command.commands.find((each) => each.name() === name);
}
