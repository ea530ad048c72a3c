#!/usr/bin/env -S node --max-semi-space-size=4
import { main } from '../src/commands/program.js';
import { keepMemorySmall } from '../src/commands/v8-settings.js';

keepMemorySmall();
process.exitCode = await main(process.argv, { out: process.stdout, err: process.stderr });
