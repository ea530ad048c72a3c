/**
 * Reports whether this is `make test-all` (each night, and before an issue is resolved), which runs everything.
 * `make test` leaves out what takes long and rarely finds more.
 */
export const isThorough = process.env['POLLARD_TEST_ALL'] === '1';

/** How many runs a property test does: the number given, ten times as many under `make test-all`. */
export function runs(count: number): number {
  return isThorough ? 10 * count : count;
}
