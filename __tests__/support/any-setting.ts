import fc from 'fast-check';
import { DEFAULT_LABELS } from '../../src/config/schema.js';
import type { Setting } from '../../src/config/settings.js';
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../src/config/values.js';

const SPECIAL: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  'docker.host': fc.constantFrom('unix:///run/docker.sock', 'tcp://10.0.0.1:2376'),
  'loki.url': fc.constantFrom('http://loki:3100', 'https://logs.example.com/a:b'),
  'loki.proxy_url': fc.constantFrom('http://proxy:3128', 'http://u:p@proxy:3128'),
  'loki.tenant': fc.constantFrom('123', '1e3', 'yes', 'null', '0x10', 'team-a', '007'),
  'loki.basic_auth.username': fc.constantFrom('pollard', '123', 'yes', '~', 'a b', ' #x'),
  'loki.headers': fc.dictionary(
    fc.constantFrom('X-A', 'X-B'),
    fc.constantFrom('1', 'yes', 'a: b', 'null', ''),
  ),
  'status.listen': fc.constantFrom('127.0.0.1:9473', '[::1]:80', ':1'),
  'labels.drop': fc.subarray([...DEFAULT_LABELS]),
  'containers.include': fc.array(fc.constantFrom('web-*', '*', '1', 'no', 'a.b_c-?'), { maxLength: 3 }),
  'containers.exclude': fc.array(fc.constantFrom('web-*', '*-x', '1', 'no', 'a.b_c-?'), { maxLength: 3 }),
  'labels.static': anyMap(['env', '_x', 'A1']),
  'labels.from_container': anyMap(['team', 'no']),
  'backfill.label': fc.constantFrom('backfill', '_x', 'A1', 'no'),
  start: fc.constantFrom('end', 'beginning', '1h', '7d'),
};

function anyMap(names: readonly string[]): fc.Arbitrary<unknown> {
  return fc.dictionary(fc.constantFrom(...names), fc.constantFrom('1', 'yes', 'a: b', 'null', 'x,y', '{}'));
}

/**
 * Any value that a setting may have by itself, as a person writes it: texts also where they look like numbers or
 * switches.
 */
export function anyWritten(setting: Setting): fc.Arbitrary<unknown> {
  const special = SPECIAL[setting.path];
  if (special) return special;
  switch (setting.kind) {
    case 'duration': {
      const [low, high] = bounds(setting).map((bound) => parseDuration(bound)!);
      return anyBetween(low!, high!).map(formatDuration);
    }
    case 'bytes': {
      const [low, high] = bounds(setting).map((bound) => parseBytes(bound)!);
      return anyBetween(low!, high!).map(formatBytes);
    }
    case 'integer': {
      const [low, high] = bounds(setting).map(Number);
      return fc.integer({ min: low!, max: high! });
    }
    case 'number': {
      const [low, high] = bounds(setting).map(Number);
      return fc.integer({ min: 0, max: 1000 }).map((part) => low! + ((high! - low!) * part) / 1000);
    }
    case 'toggle':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...setting.allowed.replace('one of ', '').split(', '));
    case 'text':
      return fc.oneof(
        fc.string({ minLength: 1 }),
        fc.constantFrom('123', 'yes', '1e3', 'a: b', '~', '[x]', '*x', ' '),
      );
    default:
      throw new Error(`no values are known for ${setting.path}`);
  }
}

/** `from 1s to 10m`, as the schema says it. */
function bounds({ path, allowed }: Setting): [string, string] {
  const [, low, high] = /from (\S+) to (\S+)$/.exec(allowed) ?? [];
  if (low === undefined || high === undefined) throw new Error(`no bounds are told of ${path}`);
  return [low, high];
}

/** The bounds themselves often: there defaults are furthest away. */
function anyBetween(min: number, max: number): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));
}
