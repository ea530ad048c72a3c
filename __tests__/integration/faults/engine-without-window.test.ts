import { isThorough } from '../../support/effort.js';
import { ENGINE_FAULTS, LOG_FAULTS, testMatrix } from '../../support/faults/index.js';

// Without a window a poll reads the log from `since` or from its beginning. Faults that touch neither the body nor the
// files of a log do the same to it as to a poll with a window.
const faults = isThorough ? ENGINE_FAULTS : LOG_FAULTS;

testMatrix('of the Engine, polled without a window', faults, { poll: { window: false } });
