/** What the tests of other collectors' reports have in common. */
export { eachOnce, expectNothingHeld, figuresOf, type Figures } from './ending.js';
