import type { LogFields, Logger, LogLevel } from '../../src/model/logger.js';

export interface LoggedMessage {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps what is said. */
export class RecordingLogger implements Logger {
  readonly messages: LoggedMessage[] = [];
  error = this.#at('error');
  warn = this.#at('warn');
  info = this.#at('info');
  debug = this.#at('debug');

  #at(level: LogLevel): (message: string, fields?: LogFields) => void {
    return (message, fields = {}) => {
      this.messages.push({ level, message, fields });
    };
  }
}
