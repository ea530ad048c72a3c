// Starts a journal for the Engine driver `journald`, where the machine has none, for all jest processes of a run:
//
//   node --import tsx __tests__/support/engines/serve-journal.ts
//
// Prints one line once it answers, and stops it when standard input ends. The journal's socket is one for the whole
// machine: a test that started its own would stop it while the tests of another Engine still use it.

import { startJournal } from './journald.js';

const journal = await startJournal();
try {
  process.stdout.write('the journal answers\n');
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
} finally {
  await journal.stop();
}
