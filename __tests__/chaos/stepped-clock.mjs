// Loaded before the collector (node --import): its wall clock is the machine's, set forward or back by so many ms as
// the file named by CHAOS_CLOCK_FILE says. The monotonic clock is left alone, as the kernel does.

import { readFileSync } from 'node:fs';

const file = process.env.CHAOS_CLOCK_FILE;
/** How often the file is looked at. */
const LOOK_MS = 5;

if (file !== undefined) {
  const RealDate = Date;
  const realNow = Date.now;
  let offset = 0;
  let lookedAt = -Infinity;
  const now = () => {
    const at = performance.now();
    if (at - lookedAt >= LOOK_MS) {
      lookedAt = at;
      const written = Number(readFileSync(file, 'utf8'));
      if (Number.isFinite(written)) offset = written;
    }
    return realNow() + offset;
  };
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    apply: () => new RealDate(now()).toString(),
  });
  RealDate.now = now;
}
