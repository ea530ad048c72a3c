import { setFlagsFromString } from 'node:v8';

/**
 * The parser of HTTP answers in undici is WebAssembly. V8 compiles it quickly at first, and once it has run for a
 * while again and better, for which it takes 30 MiB: a third of all that Pollard needs, for a parser that reads a
 * few short answers a second. So that while never ends. Call it before anything is sent.
 */
export function keepParserSmall(): void {
  setFlagsFromString('--wasm-tiering-budget=2000000000');
}
