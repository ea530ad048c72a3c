import type { LogLimit } from '../model/container.js';

type LogOptions = Readonly<Record<string, string>>;

/** Of driver local, and of the cache through which other drivers are read (moby: daemon/logger/local/local.go). */
const LOCAL_FILE_BYTES = 20 * 1024 * 1024;
const LOCAL_FILES = 5;
/** What one attribute takes in a json-file record beside its name, about: its value is not known. */
const ATTRIBUTE_BYTES = 40;

/**
 * What the files of a container's log hold at most, by its `HostConfig.LogConfig`, in which the Engine has merged the
 * defaults of the daemon (Engine API, ContainerInspect).
 *
 * @returns undefined for a log that is never rotated, or not by the Engine: json-file without `max-size`, journald
 */
export function logLimitOf(logDriver: string, options: LogOptions): LogLimit | undefined {
  switch (logDriver) {
    case 'json-file':
      return jsonFileLimit(options);
    case 'local':
      return localLimit(options['max-size'], options['max-file']);
    case 'journald':
    case 'none':
    case '':
      return undefined;
    default:
      return cacheLimit(options);
  }
}

/** moby: daemon/logger/jsonfilelog/jsonfilelog.go, New. */
function jsonFileLimit(options: LogOptions): LogLimit | undefined {
  const fileBytes = parseHumanSize(options['max-size']);
  if (fileBytes === undefined || fileBytes <= 0) return undefined;
  const files = Math.max(1, wholeNumber(options['max-file']) ?? 1);
  return { format: 'json-file', fileBytes, files, attributeBytes: attributeBytes(options) };
}

/** moby: daemon/logger/local/config.go, newConfig. */
function localLimit(maxSize: string | undefined, maxFile: string | undefined): LogLimit {
  const fileBytes = parseHumanSize(maxSize) ?? LOCAL_FILE_BYTES;
  const files = Math.max(1, wholeNumber(maxFile) ?? LOCAL_FILES);
  return { format: 'local', fileBytes, files, attributeBytes: 0 };
}

/**
 * The cache is a log of driver local. Whether the options `cache-max-size` and `cache-max-file` have an effect depends
 * on the version of the Engine (moby: daemon/logger/loggerutils/cache): the lower of both bounds is taken.
 */
function cacheLimit(options: LogOptions): LogLimit {
  const byDefault = localLimit(undefined, undefined);
  const asSet = localLimit(options['cache-max-size'], options['cache-max-file']);
  return {
    ...byDefault,
    fileBytes: Math.min(byDefault.fileBytes, asSet.fileBytes),
    files: Math.min(byDefault.files, asSet.files),
  };
}

/** Each record has the attributes that these options name (moby: daemon/logger/loginfo.go, ExtraAttributes). */
function attributeBytes(options: LogOptions): number {
  const names = [options['labels'], options['env']]
    .flatMap((list) => (list ?? '').split(','))
    .filter((name) => name !== '');
  const others = [options['tag'], options['labels-regex'], options['env-regex']].filter(
    (value) => value !== undefined && value !== '',
  );
  if (names.length + others.length === 0) return 0;
  const each = names.reduce((sum, name) => sum + name.length + ATTRIBUTE_BYTES, 0);
  return '"attrs":{},'.length + each + others.length * ATTRIBUTE_BYTES;
}

const UNITS: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };
const SIZE = /^(\d+(?:\.\d*)?|\.\d+) ?(?:b|([kmgtp])(?:i?b)?)?$/i;

/** A size as the Engine reads it (github.com/docker/go-units, FromHumanSize): `20k` is 20,000 bytes. */
function parseHumanSize(text: string | undefined): number | undefined {
  const [, number, unit] = SIZE.exec(text ?? '') ?? [];
  if (number === undefined) return undefined;
  return Math.trunc(Number(number) * (UNITS[unit?.toLowerCase() ?? ''] ?? 1));
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}
