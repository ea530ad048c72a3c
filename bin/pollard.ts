#!/usr/bin/env -S node --max-semi-space-size=4
import { outliveReaders } from '../src/commands/output.js';
import { main } from '../src/commands/program.js';
import { keepMemorySmall } from '../src/commands/v8-settings.js';

keepMemorySmall();
const output = { out: process.stdout, err: process.stderr };
outliveReaders(output);
// Once nothing is left to do. While node 20 takes its environment down by itself, it may wait for ever for a request on a
// socket that was reset (src/env.cc, Environment::CleanupHandles); process.exit() leaves that out.
process.once('beforeExit', () => process.exit());
process.exitCode = await main(process.argv, output);
