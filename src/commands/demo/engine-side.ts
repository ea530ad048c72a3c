import type { ContainerStatus } from '../wiring/status-parts.js';
import type { EngineAccount } from './written-by-engine.js';
import type { EngineView } from './simulated-engine.js';

/** The Engine of a demo, real or simulated: what is asked of it beside what the collector asks. */
export interface EngineSide {
  /** Just before the collector starts. */
  begin(signal: AbortSignal): Promise<void>;
  /** All that was written until it resolves must be collected; whether more is written is the Engine's affair. */
  finish(): Promise<void>;
  /** Whether the collector has read all of a container that was written until then. */
  isDone(container: ContainerStatus): boolean;
  /**
   * What was written, once the collector has ended.
   *
   * @param collected how many lines of a container were collected, by its id
   */
  account(collected: (containerId: string) => number, signal: AbortSignal): Promise<EngineAccount>;
  /** How the Engine sees its clients, where it tells. */
  view(): Promise<EngineView | undefined>;
  /** Sockets that were opened here, beside the collector's, and are open still. */
  readonly openSockets: number;
  /** What goes on behind `finish`, for people. */
  readonly ending: string;
  /** Who tells what was written, for the report. */
  readonly witness: string;
}
