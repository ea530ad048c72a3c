import { formatStamp, NS_PER_SECOND, type Nanoseconds } from '../../model/nanoseconds.js';
import type { LogEntry } from './entry.js';
import type { LogFormat } from './engine-log.js';
import type { EngineProfile } from './profile.js';

/** The stream types of a frame's header (moby: pkg/stdcopy). */
export const STREAM_TYPE = { stdout: 1, stderr: 2, systemError: 3 } as const;

export interface WireOptions {
  readonly tty: boolean;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** Whether the last chunk of a long line has its newline. */
  readonly endsLongLines: boolean;
  /** Minutes east of Greenwich; 0 prints `Z`. */
  readonly zoneOffset: number;
  /** Fractional digits. */
  readonly stampDigits: number;
  readonly unstampedText: string | undefined;
}

/** How the answers of a version look for a container. @param zoneOffset of the daemon, in minutes */
export function wireOptions(
  profile: EngineProfile,
  format: LogFormat,
  zoneOffset: number,
  asked: Pick<WireOptions, 'tty' | 'timestamps' | 'details'>,
): WireOptions {
  const local = format === 'local' || format === 'cache';
  return {
    ...asked,
    endsLongLines: !local || profile.localEndsLongLines,
    zoneOffset: (local && profile.localZone) || profile.stampDigits !== undefined ? zoneOffset : 0,
    stampDigits: profile.stampDigits ?? 9,
    unstampedText: profile.unstampedText,
  };
}

/** A frame of the multiplexed stream: type, three zeros, length big-endian, payload (moby: pkg/stdcopy). */
export function frame(type: number, payload: Buffer): Buffer {
  const result = Buffer.allocUnsafe(8 + payload.length);
  result.writeUInt32BE(type * 0x1000000, 0);
  result.writeUInt32BE(payload.length, 4);
  payload.copy(result, 8);
  return result;
}

/** The daemon's own error inside a body (moby: api/server/httputils/write_log_stream.go). */
export function errorOnWire(message: string, tty: boolean): Buffer {
  const text = Buffer.from(`Error grabbing logs: ${message}\n`);
  return tty ? text : frame(STREAM_TYPE.systemError, text);
}

/** Writes entries as the daemon sends them: one piece an entry. One instance an answer. */
export class WireEncoder {
  readonly #options: WireOptions;
  #second: bigint | undefined;
  /** The stamp's text up to the second, and the zone. */
  #head = '';
  #zone = 'Z';

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /**
   * A frame, or for a TTY the bare text. Each chunk has a stamp of its own in front, also in the middle of a
   * TTY's line (write_log_stream.go).
   */
  encode(entry: LogEntry): Buffer {
    const { tty, details, endsLongLines, unstampedText } = this.#options;
    const isUnstamped = unstampedText !== undefined && entry.text.toString('utf8') === unstampedText;
    const timestamps = this.#options.timestamps && !isUnstamped;
    // No attributes are simulated, so that details are an empty list and its space.
    const prefix = (timestamps ? `${this.stamp(entry.stampNs)} ` : '') + (details ? ' ' : '');
    const newline = entry.terminated && (endsLongLines || !entry.partial);
    const header = tty ? 0 : 8;
    const length = prefix.length + entry.text.length + (newline ? 1 : 0);
    const result = Buffer.allocUnsafe(header + length);
    if (!tty) {
      result.writeUInt32BE(STREAM_TYPE[entry.stream] * 0x1000000, 0);
      result.writeUInt32BE(length, 4);
    }
    result.write(prefix, header, 'latin1');
    entry.text.copy(result, header + prefix.length);
    if (newline) result[result.length - 1] = 0x0a;
    return result;
  }

  /** RFC 3339 with nine digits, `Z` or an offset (write_log_stream.go, rfc3339NanoFixed); or as Podman prints it. */
  stamp(ns: Nanoseconds): string {
    const second = ns / NS_PER_SECOND;
    const nanos = ns % NS_PER_SECOND;
    if (nanos < 0n) return formatStamp(ns);
    if (second !== this.#second) {
      const { zoneOffset } = this.#options;
      const local = new Date((Number(second) + zoneOffset * 60) * 1000).toISOString();
      this.#second = second;
      this.#head = local.slice(0, -5);
      this.#zone = zoneName(zoneOffset);
    }
    const { stampDigits } = this.#options;
    const digits = String(nanos).padStart(9, '0').slice(0, stampDigits);
    return stampDigits === 0 ? `${this.#head}${this.#zone}` : `${this.#head}.${digits}${this.#zone}`;
  }
}

function zoneName(minutes: number): string {
  if (minutes === 0) return 'Z';
  const sign = minutes < 0 ? '-' : '+';
  const size = Math.abs(minutes);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${sign}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
