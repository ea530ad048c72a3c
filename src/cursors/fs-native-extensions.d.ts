declare module 'fs-native-extensions' {
  /** Locks the whole file exclusively (Linux: fcntl F_OFD_SETLK). False when someone else holds the lock. */
  export function tryLock(fd: number): boolean;
}
