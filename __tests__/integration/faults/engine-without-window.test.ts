import { ENGINE_FAULTS, testMatrix } from '../../support/faults/index.js';

// Lines that an Engine makes up and forgets again are seen through by the window alone.
const honest = ENGINE_FAULTS.filter(({ madeUp }) => madeUp === undefined);

testMatrix('of the Engine, polled without a window', honest, { poll: { window: false } });
