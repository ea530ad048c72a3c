// One runner configuration for every suite; `make test` picks the suites by folder.
export default {
  rootDir: '.',
  testEnvironment: 'node',
  // Generous: the machine may be busy, and how long a thing takes is not what a test asserts.
  testTimeout: 300_000,
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  testSequencer: './.jest-sequencer.mjs',
  // A worker keeps the modules of each file that it ran; above this it is replaced by a new one.
  workerIdleMemoryLimit: '600MB',
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
};
