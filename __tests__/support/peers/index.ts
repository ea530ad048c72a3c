/** What the tests of other collectors' reports have in common. */
export { eachOnce, expectNothingHeld, figuresOf, untilStored, type Figures } from './ending.js';
export { inAContainer } from './in-a-container.js';
