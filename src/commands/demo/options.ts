import { PollardError } from '../../model/errors.js';

export interface DemoOptions {
  /** How long containers write and Pollard collects; undefined: until SIGINT. */
  readonly seconds: number | undefined;
  /** Simulated ones. */
  readonly containers: number;
  /** Lines a second of the simulated containers, all together; bursts come on top. */
  readonly rate: number;
  /** Of what the simulated containers say and do. */
  readonly seed: number;
  /** As given on the command line: must answer. Else LOKI_URL, if it answers. */
  readonly lokiUrl?: string;
  /** As given on the command line: must answer. Else DOCKER_HOST or Docker's usual socket, if it answers. */
  readonly dockerHost?: string;
  /** Only simulators, whatever there is. */
  readonly simulate: boolean;
}

/** The options as they were typed; what was not given is undefined. */
export interface DemoTexts {
  readonly seconds?: string;
  readonly containers?: string;
  readonly rate?: string;
  readonly seed?: string;
  readonly lokiUrl?: string;
  readonly dockerHost?: string;
  readonly simulate?: boolean;
}

export const DEFAULT_CONTAINERS = 7;
export const DEFAULT_RATE = 100;
const MOST_CONTAINERS = 1000;
const MOST_LINES = 100_000;

/** @throws PollardError `demo_option_invalid`, with what is allowed */
export function readDemoOptions(texts: DemoTexts): DemoOptions {
  const { seconds, containers, rate, seed, lokiUrl, dockerHost, simulate = false } = texts;
  if (simulate && (lokiUrl !== undefined || dockerHost !== undefined)) {
    throw invalid('--simulate', 'with --loki-url or --docker-host, which name real ones', 'leave out either');
  }
  return {
    seconds: seconds === undefined ? undefined : numberIn('--seconds', seconds, 1, 365 * 86_400),
    containers: numberIn('--containers', containers ?? String(DEFAULT_CONTAINERS), 1, MOST_CONTAINERS, true),
    rate: numberIn('--rate', rate ?? String(DEFAULT_RATE), 0, MOST_LINES),
    seed: numberIn('--seed', seed ?? '1', 0, 2 ** 32 - 1, true),
    ...(lokiUrl === undefined ? {} : { lokiUrl }),
    ...(dockerHost === undefined ? {} : { dockerHost }),
    simulate,
  };
}

function numberIn(flag: string, text: string, min: number, max: number, whole = false): number {
  const value = text.trim() === '' ? NaN : Number(text);
  const allowed = `${whole ? 'a whole number' : 'a number'} from ${min} to ${max}`;
  if (!(value >= min && value <= max)) throw invalid(flag, JSON.stringify(text.slice(0, 40)), allowed);
  if (whole && !Number.isInteger(value)) throw invalid(flag, text, allowed);
  return value;
}

function invalid(flag: string, what: string, hint: string): PollardError {
  return new PollardError('demo_option_invalid', `${flag} cannot be used: ${what}`, { hint, exit: 'usage' });
}
