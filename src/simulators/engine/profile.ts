/** What `since` does with a line that is older, behind one that is not. */
export type SinceGeneration = 'filter' | 'seek';

/** What a line that cannot be decoded does to an answer. */
export type CorruptionRule = 'lenient' | 'end_with_error' | 'skip_rest_of_file';

/** In what the versions of the Engine differ, as far as a reader of logs can see. */
export interface EngineProfile {
  readonly engineVersion: string;
  /** The newest API version, told by `/_ping` (moby: api/common.go, DefaultVersion). */
  readonly apiVersion: string;
  readonly minApiVersion: string;
  /**
   * `filter`: every older line is dropped; `seek`: only those before the first that is not older (moby:
   * daemon/logger/loggerutils/logfile.go, tailFiles in 20.10, forwarder.Do in 24).
   */
  readonly since: SinceGeneration;
  readonly corruption: CorruptionRule;
  /** A compressed file older than `since` ends the opening of rotated files: newer ones are lost (20.10). */
  readonly stopsAtSkippedFile: boolean;
  /** Each compressed file is opened for every request with a tail other than 0 (up to 27.3); else only as far back as tail asks. */
  readonly opensEveryFile: boolean;
  /** The daemon remembers the current file's size (from 23: LogFile.pos) and does not ask the file for it. */
  readonly remembersSize: boolean;
  /** Driver local gives its stamps in the daemon's zone (before 23.0.10 and 24.0.8: local.go, protoToMessage). */
  readonly localZone: boolean;
  /** Fractional digits of each stamp; left out: nine. Podman 3 to 5 prints whole seconds, in the daemon's zone. */
  readonly stampDigits?: number;
  /** An entry of this text is sent without its stamp, as a proxy or fork reports its own errors in the log. */
  readonly unstampedText?: string;
  /** Driver local puts the newline of a long line's last chunk (local/read.go; not in 20.10). */
  readonly localEndsLongLines: boolean;
  /** Since Engine 23 a Content-Type is sent with logs; multiplexed from API 1.42 on (container_routes.go). */
  readonly logsContentType: boolean;
  /** journald of 20.10 passes over empty lines when it reads, and counts them for tail (journald/read.go, get_message). */
  readonly journaldHidesEmptyLines: boolean;
  /** `/_ping` tells `Builder-Version` and `Swarm` (system_routes.go, pingHandler). */
  readonly modernPing: boolean;
}

const SINCE_24 = {
  since: 'seek',
  corruption: 'end_with_error',
  stopsAtSkippedFile: false,
  opensEveryFile: true,
  remembersSize: true,
  localZone: false,
  localEndsLongLines: true,
  logsContentType: true,
  journaldHidesEmptyLines: false,
  modernPing: true,
} as const;

const SINCE_27_4 = { ...SINCE_24, corruption: 'skip_rest_of_file', opensEveryFile: false } as const;

/** Read from moby's tags of these versions; 20.10, 26 and 28.5 were compared with real Engines. */
export const ENGINE_PROFILES = {
  '20.10': {
    engineVersion: '20.10.24',
    apiVersion: '1.41',
    minApiVersion: '1.12',
    since: 'filter',
    corruption: 'lenient',
    stopsAtSkippedFile: true,
    opensEveryFile: true,
    remembersSize: false,
    localZone: true,
    localEndsLongLines: false,
    logsContentType: false,
    journaldHidesEmptyLines: true,
    modernPing: false,
  },
  '23': {
    ...SINCE_24,
    engineVersion: '23.0.9',
    apiVersion: '1.42',
    minApiVersion: '1.12',
    since: 'filter',
    localZone: true,
  },
  '24': { ...SINCE_24, engineVersion: '24.0.9', apiVersion: '1.43', minApiVersion: '1.12' },
  '26': { ...SINCE_24, engineVersion: '26.1.5', apiVersion: '1.45', minApiVersion: '1.24' },
  '28.5': { ...SINCE_27_4, engineVersion: '28.5.2', apiVersion: '1.51', minApiVersion: '1.24' },
  '29': { ...SINCE_27_4, engineVersion: '29.0.0', apiVersion: '1.52', minApiVersion: '1.44' },
  '29.3': { ...SINCE_27_4, engineVersion: '29.3.0', apiVersion: '1.54', minApiVersion: '1.40' },
} as const satisfies Record<string, EngineProfile>;

export type EngineProfileName = keyof typeof ENGINE_PROFILES;
