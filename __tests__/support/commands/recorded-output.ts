import { Writable } from 'node:stream';
import type { Output } from '../../../src/commands/output.js';

/** Keeps what a command writes. */
export interface RecordedOutput extends Output {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Both, for what must be in neither. */
  readonly all: () => string;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** @param terminal set: standard output is a terminal of that size */
export function recordedOutput(terminal?: TerminalSize): RecordedOutput {
  const out = new Recorder();
  const err = new Recorder();
  if (terminal !== undefined) Object.assign(out, { isTTY: true, ...terminal });
  return {
    out,
    err,
    stdout: () => out.text,
    stderr: () => err.text,
    all: () => `${out.text}\n${err.text}`,
  };
}

class Recorder extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}
