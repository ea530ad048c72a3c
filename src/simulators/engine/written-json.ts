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
      gone: line.gone,
    };
    yield Buffer.from(`${JSON.stringify(json)}\n`);
  }
}
