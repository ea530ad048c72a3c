import { PollardError } from '../model/errors.js';
import { originText, type Origin } from './given.js';

/** One thing that is wrong with the configuration. Never holds a secret. */
export interface ConfigProblem {
  /** The setting at fault; undefined when it is the file as a whole. */
  readonly setting?: string;
  /** What is wrong and what would be right. */
  readonly problem: string;
  /** Where the value came from. */
  readonly origin?: Origin;
  /** Settings that are part of it, and where they came from. */
  readonly others?: readonly { readonly setting: string; readonly origin: Origin }[];
}

/** So many problems are printed; a file with more of them is another kind of file. */
const MOST = 100;

/** A configuration that is refused, with everything that is wrong with it, one a line. */
export class ConfigError extends PollardError {
  override name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.slice(0, MOST).map((problem) => `\n  ${problemText(problem)}`);
    const more = problems.length > MOST ? `\n  and ${problems.length - MOST} more` : '';
    const noun = problems.length === 1 ? 'problem' : 'problems';
    const setting = problems.find((problem) => problem.setting !== undefined)?.setting;
    super('config_invalid', `the configuration has ${problems.length} ${noun}:${lines.join('')}${more}`, {
      hint: '`pollard config` prints every setting, what is allowed, and its default',
      exit: 'usage',
      ...(setting === undefined ? {} : { setting }),
    });
    this.problems = problems;
  }
}

function problemText({ setting, problem, origin, others = [] }: ConfigProblem): string {
  const subject = setting === undefined ? '' : `${setting}: `;
  const from = [
    ...(origin === undefined ? [] : [originText(origin)]),
    ...others.map((other) => `${other.setting}: ${originText(other.origin)}`),
  ].join('; ');
  return `${subject}${problem}${from === '' ? '' : ` (${from})`}`;
}
