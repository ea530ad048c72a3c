import { ExitCode, type ExitCodeName } from '../model/exit-codes.js';

/** What each code means where a command says nothing closer. */
const MEANINGS: Readonly<Record<ExitCodeName, string>> = {
  ok: 'done',
  failure: 'a fault of Pollard itself',
  usage: 'bad flags, or a configuration that is refused',
  engine: 'the Engine cannot be reached, or refuses us',
  loki: 'Loki cannot be reached, or refuses us',
  locked: 'another process owns the state directory',
  partial: 'partly done: some containers could not be read, or some lines were not taken by Loki',
  mismatch: 'lines are missing in Loki',
  state: 'the state directory cannot be used',
  interrupted: 'ended by a second signal',
};

/**
 * The exit codes of a command for its help.
 *
 * @param own those that it ends with, each with what it means there, or true for what it always means
 */
export function exitCodesHelp(own: Readonly<Partial<Record<ExitCodeName, string | true>>>): string {
  const rows = (Object.keys(ExitCode) as ExitCodeName[]).flatMap((name) => {
    const meaning = own[name];
    if (meaning === undefined) return [];
    return `  ${String(ExitCode[name]).padStart(3)}  ${meaning === true ? MEANINGS[name] : meaning}`;
  });
  return `\nExit codes:\n${rows.join('\n')}`;
}
