import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Which folder of src may import which: the arrows of the architecture, enforced. */
const layers = {
  model: [],
  config: ['model'],
  docker: ['model'],
  loki: ['model'],
  pipeline: ['model'],
  cursors: ['model'],
  observe: ['model'],
  simulators: ['model'],
  collector: ['docker', 'pipeline', 'loki', 'cursors', 'model'],
  audit: ['docker', 'loki', 'collector', 'pipeline', 'model'],
  backfill: ['audit', 'docker', 'loki', 'collector', 'cursors', 'pipeline', 'model'],
};
const folders = [...Object.keys(layers), 'commands'];

const layering = Object.entries(layers).map(([folder, allowed]) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: folders
          .filter((other) => other !== folder && !allowed.includes(other))
          .map((other) => ({
            group: [`**/${other}/*`, `**/${other}/**`],
            message: `src/${folder} may import only from: ${[folder, ...allowed].join(', ')}`,
          })),
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '**/*.mjs', '.engines/**'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // No work outlives its owner: a promise is waited for, or its owner is made to wait for it.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['__tests__/**/*.ts'],
    rules: {
      // Tests wait for conditions instead.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/require-await': 'off',
      'no-console': 'off',
      'max-lines': 'off',
    },
  },
  ...layering,
);
