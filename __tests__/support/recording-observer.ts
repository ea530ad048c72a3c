import type { CollectorObserver } from '../../src/collector/observer.js';

/** An observer that writes down what it is told, a line each. */
export function recordingObserver(): CollectorObserver & { told: string[] } {
  const told: string[] = [];
  return {
    told,
    polled: (container, report) => told.push(`polled ${container.name} ${report.lines}`),
    pollFailed: (container, error) => told.push(`failed ${container.name}: ${error.message}`),
    logRefused: (container, error) => told.push(`log refused ${container.name}: ${error.message}`),
    allLogsRefused: (error) => told.push(`all logs refused: ${error.message}`),
    logsGranted: () => told.push('logs granted'),
    gap: (container) => told.push(`gap ${container.name}`),
    possibleGap: (container) => told.push(`possible gap ${container.name}`),
    missed: (container, reason) => told.push(`missed ${container.name}: ${reason}`),
    unreadable: (container) => told.push(`unreadable ${container.name}`),
    unlogged: (container) => told.push(`unlogged ${container.name}`),
    discovered: (container) => told.push(`discovered ${container.name}`),
    forgotten: (id) => told.push(`forgotten ${id}`),
    discoveryFailed: (error) => told.push(`discovery failed: ${error.message}`),
    discoverySucceeded: () => undefined,
    malformed: ({ kind, problem }) => told.push(`malformed ${kind}: ${problem}`),
    eventsOverrun: () => told.push('events overrun'),
    clockStepped: (ms) => told.push(`clock stepped ${ms}`),
  };
}
