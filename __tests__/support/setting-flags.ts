/** Settings as flags: `{ 'loki.url': 'http://…' }`. Undefined leaves one out. As src/config/settings.ts names them. */
export function settingArgs(settings: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(settings).flatMap(([path, value]) =>
    value === undefined ? [] : [`--${path.replaceAll(/[._]/g, '-')}=${value}`],
  );
}
