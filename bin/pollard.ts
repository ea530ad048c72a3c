#!/usr/bin/env -S node --max-semi-space-size=4
import { outliveReaders } from '../src/commands/output.js';
import { main } from '../src/commands/program.js';
import { keepMemorySmall } from '../src/commands/v8-settings.js';

keepMemorySmall();
const output = { out: process.stdout, err: process.stderr };
outliveReaders(output);
process.exitCode = await main(process.argv, output);
