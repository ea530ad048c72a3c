import type { LogFields } from '../../model/logger.js';
import type { ClosableLogger } from '../../observe/logger.js';
import { secretMask } from '../../observe/secret-mask.js';
import { printable } from '../../config/shown.js';

/** Said of the state directory, which is a temporary one here. */
const EXPECTED: ReadonlySet<unknown> = new Set([
  'state_not_on_a_volume',
  'state_on_anonymous_volume',
  'state_on_tmpfs',
]);
const KEPT = 20;

/**
 * The collector's logger in the demo: warnings and errors are kept, one line each, to be shown where they do not
 * spoil the table.
 */
export class Notices implements ClosableLogger {
  readonly #mask: (text: string) => string;
  readonly #onNotice: (text: string) => void;
  readonly #kept: string[] = [];
  #count = 0;

  /** @param onNotice told of each, as it comes */
  constructor(secrets: readonly string[], onNotice: (text: string) => void = () => undefined) {
    this.#mask = secretMask(secrets);
    this.#onNotice = onNotice;
  }

  /** The last ones, oldest first. */
  get last(): readonly string[] {
    return this.#kept;
  }

  get count(): number {
    return this.#count;
  }

  error(message: string, fields: LogFields = {}): void {
    this.#keep(message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#keep(message, fields);
  }

  info(): void {
    // The table shows what goes well.
  }

  debug(): void {
    // As above.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #keep(message: string, fields: LogFields): void {
    if (EXPECTED.has(fields['code'])) return;
    const { container, error, reason } = fields;
    const parts = [
      typeof container === 'string' ? `${container}: ${message}` : message,
      ...(error instanceof Error ? [error.message] : []),
      ...(typeof reason === 'string' ? [reason] : []),
    ];
    const text = printable(this.#mask(parts.join(': ')));
    this.#count++;
    this.#kept.push(text);
    if (this.#kept.length > KEPT) this.#kept.shift();
    this.#onNotice(text);
  }
}
