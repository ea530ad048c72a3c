// Starts one real Engine with the image of the test containers, for the test files of one jest process:
//
//   node --import tsx __tests__/support/engines/serve-engine.ts distribution|trixie|sid
//
// Prints the Engine's identity as one line of JSON once it answers, and stops the Engine when standard input ends.

import { importBusybox } from './busybox-image.js';
import { startEngine } from './engine.js';
import { engineVersions } from './versions.js';

const version = engineVersions.find((each) => each === process.argv[2]);
if (version === undefined) throw new Error(`which Engine? One of: ${engineVersions.join(', ')}`);

const engine = await startEngine({ version });
try {
  await importBusybox(engine.api);
  process.stdout.write(`${JSON.stringify(engine.identity)}\n`);
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
} finally {
  await engine.stop();
}
