import { defaultText } from './reference-default.js';
import { leavesOf, ROOT, type Setting } from './settings.js';

const COLUMNS = ['Key', 'What', 'Allowed', 'Default'];

/**
 * The reference of all settings as Markdown tables, one a section under a heading of the third level, for the
 * README. Written as prettier writes it.
 */
export function configMarkdown(): string {
  return [...ROOT.children.values()]
    .map((child) => {
      const settings = child.type === 'setting' ? [child] : leavesOf(child);
      const text = child.type === 'setting' ? '' : `${escaped(child.description)}\n\n`;
      return `### \`${child.key}\`\n\n${text}${table(settings.map(cells))}\n`;
    })
    .join('\n');
}

function cells(setting: Setting): string[] {
  const { path, description, allowed } = setting;
  return [`\`${path}\``, escaped(description), escaped(allowed), defaultCell(setting)];
}

function defaultCell(setting: Setting): string {
  const [, value = '', note = ''] = /^(.*?)( \(.*\))?$/.exec(defaultText(setting)) ?? [];
  return setting.fallback === undefined ? value : `\`${value}\`${escaped(note)}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((name, at) =>
    Math.max(...[COLUMNS, ...rows].map((row) => row[at]?.length ?? 0), name.length),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(COLUMNS), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll(/[|*<]/g, '\\$&');
}
