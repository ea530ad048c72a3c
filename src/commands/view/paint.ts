import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export type Paint = (style: Style, text: string) => string;

/** Colours on a terminal, unless NO_COLOR says no (https://no-color.org). */
export function painter(isTerminal: boolean, env: NodeJS.ProcessEnv): Paint {
  const colour = isTerminal && !env['NO_COLOR'];
  // Whether this stream takes colours was just decided; Node would look at standard output.
  return (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
}
