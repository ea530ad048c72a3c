/** Pusher and transport before a strict Loki, and what became of every line. */
export { accountOf, rejectedLines, type PushAccount } from './account.js';
export { PushingWorld, withPushing, type PushingOptions } from './world.js';
