declare module 'fs-native-extensions' {
  /**
   * Locks the whole file exclusively, or shared (Linux: fcntl F_OFD_SETLK). False when someone else holds a lock
   * that forbids it.
   */
  export function tryLock(fd: number, options?: { shared: boolean }): boolean;
}
