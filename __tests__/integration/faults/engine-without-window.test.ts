import { ENGINE_FAULTS, testMatrix } from '../../support/faults/index.js';

testMatrix('of the Engine, polled without a window', ENGINE_FAULTS, { poll: { window: false } });
