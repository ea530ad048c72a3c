import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { loadConfig } from '../../../src/config/load.js';
import { configMarkdown, configReference } from '../../../src/config/reference.js';
import { configSchema } from '../../../src/config/schema.js';
import { SETTINGS } from '../../../src/config/settings.js';
import { loadTexts, problemsOf } from '../../support/config-text.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const defaults = configSchema.parse({});

/** Takes one # away wherever it makes a comment of YAML, and not of an explanation. */
const uncommented = (text: string) => text.replaceAll(/^( *)#(?! \S)(.*)$/gm, '$1$2');
const everything = uncommented(uncommented(configReference()));
/** Without what cannot be set beside the rest of it. */
const consistent = everything.replaceAll(/^ *(password|bearer_token_file): .*\n/gm, '');

describe('config/pollard.yaml', () => {
  test('is the printed reference', () => {
    const regenerate = `npx tsx -e "import('./src/config/reference.ts').then((m) => process.stdout.write(m.configReference()))" > config/pollard.yaml`;
    const same = readFileSync(`${root}config/pollard.yaml`, 'utf8') === configReference();
    expect(same ? 'up to date' : `make it anew: ${regenerate}`).toBe('up to date');
  });

  test('is accepted as it is, sets loki.url, and changes no default', async () => {
    const { config, origins } = await loadTexts({ yaml: readFileSync(`${root}config/pollard.yaml`, 'utf8') });
    expect(config).toEqual(defaults);
    expect(config.loki.url).toBe('http://127.0.0.1:3100');
    expect([...origins.keys()]).toEqual(['loki.url']);
  });

  test.each(['config/compose/pollard.yaml', 'config/swarm/pollard.yaml'])(
    'and %s is accepted',
    async (file) => {
      await expect(loadConfig({ file: `${root}${file}`, env: {}, flags: {} })).resolves.toMatchObject({
        loki: { url: expect.stringMatching(/^http:/) },
      });
    },
  );
});

describe('the reference', () => {
  test('is written as prettier writes it, no wider than the code', async () => {
    const text = configReference();
    expect(await format(text, { parser: 'yaml', singleQuote: true, printWidth: 110 })).toBe(text);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });

  test('has each setting once, explained, with its variable', () => {
    const text = configReference();
    for (const { variable, key, description } of SETTINGS) {
      expect(text.match(new RegExp(`# Environment: ${variable}\\n *#?( *)#?${key}: `, 'g'))).toHaveLength(1);
      expect(text).toContain(description.split(' ').slice(0, 3).join(' '));
    }
  });

  test('without its # is accepted, but for what cannot be set together', async () => {
    expect(await problemsOf({ yaml: everything })).toEqual([
      'loki.basic_auth.password: is set beside loki.basic_auth.password_file; set one of them',
      'loki.bearer_token_file: is set beside loki.basic_auth; a request can carry only one of them',
    ]);
    const { origins } = await loadTexts({ yaml: consistent });
    expect(origins.size).toBe(SETTINGS.length - 2);
  });

  test('shows the defaults: without its # nothing changes where there is one', async () => {
    const { config } = await loadTexts({ yaml: consistent });
    for (const { path, fallback, example } of SETTINGS) {
      if (fallback === undefined || example !== undefined) continue;
      const value = path
        .split('.')
        .reduce<unknown>((section, key) => (section as Record<string, unknown>)[key], config);
      expect([path, value]).toEqual([path, fallback]);
    }
  });
});

describe('the tables for the README', () => {
  const text = configMarkdown();

  test('are written as prettier writes them', async () => {
    expect(await format(text, { parser: 'markdown', printWidth: 110 })).toBe(text);
  });

  test('have a row for each setting, with all columns', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.map((row) => /^\| `([\w.]+)`/.exec(row)![1])).toEqual(SETTINGS.map(({ path }) => path));
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(6);
  });

  test('tell what, what is allowed, and the default', () => {
    const row = text.split('\n').find((line) => line.startsWith('| `poll.min_interval`'));
    expect(row!.split('|').map((cell) => cell.trim())).toEqual([
      '',
      '`poll.min_interval`',
      'The shortest interval of busy and young containers.',
      'a duration such as 500ms, 5s, 1h30m, from 50ms to 1h',
      '`500ms` (at most poll.interval)',
      '',
    ]);
  });
});
