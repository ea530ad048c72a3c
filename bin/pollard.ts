#!/usr/bin/env -S node --max-semi-space-size=4
import { main } from '../src/commands/program.js';
import { keepParserSmall } from '../src/commands/v8-settings.js';

keepParserSmall();
process.exitCode = await main(process.argv, { out: process.stdout, err: process.stderr });
