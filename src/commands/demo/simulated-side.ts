import type { Clock } from '../../model/clock.js';
import { isLeftAlone } from './drain.js';
import type { EngineSide } from './engine-side.js';
import type { SimulatedEngine } from './simulated-engine.js';
import { writtenBySimulator } from './written-by-simulator.js';

/** A simulated Engine: it knows every line that was ever written, and its containers can be ended. */
export function simulatedSide(engine: SimulatedEngine, containers: number, clock: Clock): EngineSide {
  return {
    begin: () => Promise.resolve(),
    finish: () => engine.finish(),
    isDone: isLeftAlone,
    account: () =>
      Promise.resolve({
        written: writtenBySimulator(engine),
        canBeChecked: () => true,
        containers,
        unread: [],
      }),
    view: () => engine.settledView(clock),
    openSockets: 0,
    ending: 'no more is written: collecting the rest',
    witness: 'as the simulated Engine counted them',
  };
}
