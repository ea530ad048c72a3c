/** The built program between real Engines and a strict Loki, and what became of every line. */
export { allDelivered } from './audited.js';
export type { Audited } from './audited.js';
export { engineLines } from './engine-lines.js';
export type { EngineLine, LogShape } from './engine-lines.js';
export { holesOf } from './holes.js';
export type { Holes, Span } from './holes.js';
export { Installation, SETTLED, withInstallation } from './installation.js';
export type { CatchUpRun, InstallationOptions, SettingTexts, Summary } from './installation.js';
export { Program } from './program.js';
export type { Ending, LogRecord } from './program.js';
export { ALL_THERE, entriesOf, linesOf, reconcile, reconcileWithEngine } from './reconcile.js';
export type { Reconciliation, Written } from './reconcile.js';
export { Service } from './service.js';
