import { existsSync, readFileSync } from 'node:fs';
import type { Row } from './row.js';

interface SoakJson {
  readonly when: string;
  readonly seconds: number;
  readonly growths: readonly {
    readonly name: string;
    readonly first: number;
    readonly last: number;
    readonly slopePerHour: number;
    readonly noisePerHour: number;
  }[];
}

/** The figures of the last soak, which is run apart since it takes its time. Nothing when there was none. */
export function soakRows(file: string): Row[] {
  if (!existsSync(file)) return [];
  const { when, seconds, growths } = JSON.parse(readFileSync(file, 'utf8')) as SoakJson;
  return growths
    .filter(({ name }) => name === 'file descriptors' || name === 'active resources' || name === 'sockets')
    .map(({ name, first, last, slopePerHour, noisePerHour }) => ({
      name: 'soak',
      what: `soak of ${Math.round(seconds / 60)} min (${when.slice(0, 10)}), ${name}: growth an hour beyond noise`,
      baseline: `minute 1: ${first}, last: ${last}`,
      goal: 0,
      unit: '' as const,
      values: [Math.max(slopePerHour - noisePerHour, 0)],
    }));
}
