#!/usr/bin/env node
import { main } from '../src/commands/program.js';

process.exitCode = await main(process.argv, { out: process.stdout, err: process.stderr });
