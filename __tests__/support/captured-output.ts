import { Writable } from 'node:stream';
import type { Output } from '../../src/commands/output.js';

/** Keeps what a command writes. */
export class CapturedOutput implements Output {
  readonly out: Output['out'];
  readonly err: Output['err'];
  stdout = '';
  stderr = '';

  /** @param terminal its columns and rows; none: no terminal */
  constructor(terminal?: { readonly columns: number; readonly rows: number }) {
    const keep = (take: (text: string) => void): Writable =>
      new Writable({
        write: (piece: Buffer, _encoding, done) => {
          take(piece.toString('utf8'));
          done();
        },
      });
    this.out = Object.assign(
      keep((text) => (this.stdout += text)),
      terminal === undefined ? {} : { isTTY: true, ...terminal },
    );
    this.err = keep((text) => (this.stderr += text));
  }
}
