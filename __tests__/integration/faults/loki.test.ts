import { LOKI_FAULTS, testMatrix } from '../../support/faults/index.js';

testMatrix('of Loki', LOKI_FAULTS);
