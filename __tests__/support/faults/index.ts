/** Each fault of an Engine or a Loki, crossed with each type of container. */
export { ENGINE_FAULTS, LOG_FAULTS } from './engine-faults.js';
export { LOKI_FAULTS } from './loki-faults.js';
export { testMatrix } from './matrix.js';
