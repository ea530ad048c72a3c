/** A simulated Docker Engine, as strict as the real ones where a collector of logs can see it. */
export { CHATTY_KINDS, type ChattyContainer, type ChattyKind } from './chatty-container.js';
export { ChattyWorkload, type ChattyOptions } from './chatty-workload.js';
export type { ContainerOptions, ContainerState, SimulatedContainer } from './container.js';
export { CHUNK_BYTES, type LogEntry } from './entry.js';
export { EngineLog, type EngineLogOptions, type LogFormat } from './engine-log.js';
export { EVENT_RING } from './event-ring.js';
export type { BodyFault, Endpoint, Fault, FaultTarget } from './faults.js';
export type { RotationOptions, Spoilt } from './log-files.js';
export { ENGINE_PROFILES } from './profile.js';
export type { EngineProfile, EngineProfileName, SinceGeneration } from './profile.js';
export type { LogQuery, LogReading } from './read-log.js';
export type { RecordedRequest, RequestLog } from './request-log.js';
export { seededRandom } from './seeded-random.js';
export { startEngineSimulator } from './simulator.js';
export type { ConnectionCounts, EngineSimulator, EngineSimulatorOptions } from './simulator.js';
export { errorOnWire, frame, STREAM_TYPE, WireEncoder, wireOptions, type WireOptions } from './wire.js';
export { writtenJson, type WrittenLineJson } from './written-json.js';
export type { WrittenLine } from './written-lines.js';
