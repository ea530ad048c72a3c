import { ROOT, type Section, type Setting } from './settings.js';
import { CONFIG_VARIABLE } from './read-environment.js';
import { defaultText } from './reference-default.js';
import { yamlValue } from './written.js';

export { configMarkdown } from './reference-table.js';

/** Set in the reference and not commented out: what nearly everyone changes. */
const LIVE: ReadonlySet<string> = new Set(['loki.url']);

const WIDTH = 110;

const HEAD = `\
Pollard's configuration: every setting that there is, as \`pollard config\` prints it.

To change a setting, take away the # before its key. Lines with "# " are explanations. A key shows its default, or an example where there is none. A section that need not be there is commented out as a whole.

Each setting can also be an environment variable (named below) or a flag (poll.interval is --poll-interval). The flags win, then the environment, then this file, then the defaults. Maps are YAML there too, and lists may be: POLLARD_LABELS_STATIC='{env: prod}', POLLARD_CONTAINERS_INCLUDE='web-*, db'. A variable that is empty counts as not set, and so does a key here with nothing behind it.

${CONFIG_VARIABLE} or --config names this file; else it is /etc/pollard/pollard.yaml. DOCKER_HOST, and DOCKER_CERT_PATH with DOCKER_TLS_VERIFY, set docker.host and docker.tls where no POLLARD_DOCKER_... does.

Keys and POLLARD_... variables that are not known are refused. Durations: 500ms, 5s, 1h30m, 7d. Sizes: 64KiB, 3MiB, 1GiB, or a number of bytes. Try it out with \`pollard check\`.`;

/**
 * The reference of all settings: a YAML file with each of them explained and all but `loki.url` commented out. It is
 * config/pollard.yaml, too:
 *
 *   npx tsx -e "import('./src/config/reference.ts').then((m) => process.stdout.write(m.configReference()))" > config/pollard.yaml
 */
export function configReference(): string {
  const lines = HEAD.split('\n\n').flatMap((paragraph, at) => [
    ...(at === 0 ? [] : ['#']),
    ...comment(paragraph, 0),
  ]);
  return [...lines, ...childrenOf(ROOT, 0), ''].join('\n');
}

function childrenOf(section: Section, depth: number): string[] {
  return [...section.children.values()].flatMap((child, at) => [
    // The first one stands close to the name of its section.
    ...(at === 0 && depth > 0 ? [] : ['']),
    ...(child.type === 'setting' ? linesOf(child, depth) : sectionLines(child, depth)),
  ]);
}

function sectionLines(section: Section, depth: number): string[] {
  const key = `${section.key}:`;
  if (!section.optional) {
    return [...comment(section.description, depth), indent(key, depth), ...childrenOf(section, depth + 1)];
  }
  // Commented out as a block: as YAML in a comment, without the indentation that the whole has.
  const block = [key, ...childrenOf(section, 1)];
  return [...comment(section.description, depth), ...block.map((line) => indent(`#${line}`, depth))];
}

function linesOf(setting: Setting, depth: number): string[] {
  const live = setting.required || LIVE.has(setting.path);
  return [
    ...comment(setting.description, depth),
    ...comment(`Allowed: ${setting.allowed}`, depth),
    ...comment(`Default: ${defaultText(setting)}`, depth),
    ...comment(`Environment: ${setting.variable}`, depth),
    indent(`${live ? '' : '#'}${setting.key}: ${shownExample(setting)}`, depth),
  ];
}

function shownExample(setting: Setting): string {
  return setting.example ?? yamlValue(setting, setting.fallback);
}

function comment(text: string, depth: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && depth * 2 + 3 + line.length + word.length > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].map((each) => indent(`# ${each}`, depth));
}

function indent(line: string, depth: number): string {
  return `${'  '.repeat(depth)}${line}`;
}
