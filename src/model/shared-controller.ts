import { setMaxListeners } from 'node:events';

/**
 * An abort controller whose signal many listen to at once: each poll, push and request does, and takes its
 * listener away when it ends. Node.js calls 11 of them a leak (events.setMaxListeners).
 */
export function sharedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
