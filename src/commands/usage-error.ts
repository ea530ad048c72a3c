import type { Command, CommanderError } from 'commander';
import { nearest } from '../config/nearest.js';
import { OLD_NAMES } from '../config/renamed.js';
import { PollardError } from '../model/errors.js';

/**
 * What is wrong with a command line, what may have been meant, and where to read on. All settings count as near,
 * also those that the help does not list, and nothing of a value is shown: it may be a secret.
 *
 * @param argv as process.argv
 */
export function usageError(error: CommanderError, program: Command, argv: readonly string[]): PollardError {
  const command = commandMeant(program, argv.slice(2));
  const help = furtherHelp(command);
  const subject = command === program ? 'pollard' : pathOf(command).slice(1).join(' ');
  switch (error.code) {
    case 'commander.help':
      return usage(`a command is missing: ${commandNames(command).join(', ')}`, help);
    case 'commander.unknownCommand':
      return noSuchCommand(command, command.args[0] ?? '');
    case 'commander.unknownOption': {
      const written = optionIn(error.message);
      return usage(
        `${subject} has no option ${written}`,
        didYouMean(nearest(written, optionsOf(command)), help),
      );
    }
    default:
      return usage(error.message.replace(/^error: /, ''), help);
  }
}

/** A command that is not there, and the one that may have been meant. @param above where it was looked for */
export function noSuchCommand(above: Command, written: string): PollardError {
  const meant = nearest(written, commandNames(above));
  const problem = `there is no command ${JSON.stringify(written.slice(0, 60))}`;
  return usage(problem, didYouMean(meant, furtherHelp(above)));
}

/** A command that is looked for below one that has none. */
export function noCommandsBelow(command: Command): PollardError {
  return usage(`${pathOf(command).slice(1).join(' ')} has no commands below it`, furtherHelp(command));
}

function usage(message: string, hint: string): PollardError {
  return new PollardError('usage', message, { hint, exit: 'usage' });
}

function didYouMean(meant: string | undefined, help: string): string {
  return meant === undefined ? help : `did you mean ${meant}? ${help}`;
}

/** Where to read on. */
function furtherHelp(command: Command): string {
  const help = `${pathOf(command).join(' ')} --help tells what there is`;
  const takesSettings = command.options.some(({ long }) => long === '--config');
  return takesSettings ? `${help}, and pollard config all settings` : help;
}

/** `error: unknown option '--loki-pasword=secret'`: up to the value. */
function optionIn(message: string): string {
  return /'(-[^'=\s]{0,80})/.exec(message)?.[1] ?? 'of this name';
}

/** The command that the words before the first flag name. */
function commandMeant(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

/** `pollard`, `cursors`, `reset` */
function pathOf(command: Command): string[] {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return names;
}

function commandNames(command: Command): string[] {
  return command.commands.map((each) => each.name());
}

function optionsOf(command: Command): string[] {
  const flags = ['--help'];
  for (let at: Command | null = command; at !== null; at = at.parent) {
    flags.push(...at.options.flatMap(({ long }) => long ?? []));
  }
  return flags.filter((flag) => !OLD_NAMES.some((old) => old.flag === flag));
}
