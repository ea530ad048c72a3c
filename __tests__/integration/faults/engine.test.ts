import { ENGINE_FAULTS, testMatrix } from '../../support/faults/index.js';

testMatrix('of the Engine', ENGINE_FAULTS);
