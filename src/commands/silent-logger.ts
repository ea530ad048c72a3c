import type { Logger } from '../model/logger.js';

/** Says nothing: for what is told in another way. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};
