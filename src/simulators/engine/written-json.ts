import type { EngineSimulator } from './simulator.js';

/** A written line as `/_simulator/written` tells it, one a line. */
export interface WrittenLineJson {
  /** id */
  readonly container: string;
  readonly name: string;
  readonly stream: 'stdout' | 'stderr';
  /** ns since 1970, as a decimal number in a string */
  readonly stamp: string;
  readonly text: string;
  /** Of a container with a TTY: the text ends in the terminal's carriage return. */
  readonly tty: boolean;
  /** No longer in the Engine's log, by rotation or removal. */
  readonly gone: boolean;
}

/** Every line ever written, as NDJSON. */
export function* writtenJson(simulator: EngineSimulator): Generator<Buffer> {
  for (const line of simulator.written()) {
    const json: WrittenLineJson = {
      container: line.containerId,
      name: line.containerName,
      stream: line.stream,
      stamp: String(line.stampNs),
      text: line.text.toString('utf8'),
      tty: line.tty,
      gone: line.gone,
    };
    yield Buffer.from(`${JSON.stringify(json)}\n`);
  }
}
