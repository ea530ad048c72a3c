// Loaded before a measured process (node --import): at its end it writes what it used to the file named by
// BENCH_USAGE_FILE. The process itself asks, since nobody can once it is gone.
//
// With --expose-gc, SIGUSR2 collects the garbage and appends the heap that is left, in bytes, to that name with
// `.heap`.

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

const file = process.env.BENCH_USAGE_FILE;
if (file !== undefined) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    // VmHWM and not ru_maxrss: that one begins with the size of the process that started this one.
    const status = readFileSync('/proc/self/status', 'utf8');
    const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
    writeFileSync(
      file,
      JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakRssBytes: peak }),
    );
  });
  if (typeof gc === 'function') {
    process.on('SIGUSR2', () => {
      gc();
      appendFileSync(`${file}.heap`, `${Date.now()} ${process.memoryUsage().heapUsed}\n`);
    });
  }
}
