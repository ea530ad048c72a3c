/** Real Docker Engines for the end-to-end tests. Needs Linux, root and .ci/install-engines.sh. */
export { ApiError, EngineApi } from './api.js';
export type { ApiAnswer, ApiRequest } from './api.js';
export { BUSYBOX_IMAGE, importBusybox } from './busybox-image.js';
export { createContainer, runContainer, runToEnd, TestContainer } from './container.js';
export type { ContainerOptions } from './container.js';
export { describeEngines, describeOwnEngines } from './describe-engines.js';
export { Engine, startEngine } from './engine.js';
export type { EngineOptions } from './engine.js';
export { readFrames, readStampedFrames } from './frames.js';
export type { RawFrame, StampedFrame } from './frames.js';
export { chunkAt, lineAt, sinceAt, stampAt } from './hand-written.js';
export { gzip, writeJsonLog } from './json-log.js';
export type { JsonLog, JsonLogEntry, JsonLogLine, RotatedFile } from './json-log.js';
export { containerWithLog, frames, sinceOf, texts, textsOrError } from './read-logs.js';
export { RunningEngine } from './running-engine.js';
export { versionsUnderTest } from './shared-engine.js';
export { e2eIsOff, engineVersions } from './versions.js';
export type { EngineVersion } from './versions.js';
