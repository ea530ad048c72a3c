/** The Engine's default host name: the first digits of the container's id. */
const SHORT_ID_LENGTH = 12;

/**
 * The host name of this container, if it is used as the label `host` and is only the id that the Engine gave the
 * container: the next container has another, and its lines begin new streams.
 *
 * @param configured `collector.host`
 * @param hostname of the machine or container
 * @param ownId of the container that this process runs in, or its first 12 digits (ownContainerId)
 * @returns undefined where the label is a name
 */
export function containerIdAsHost(
  configured: string | undefined,
  hostname: string,
  ownId: string | undefined,
): string | undefined {
  if (configured !== undefined || ownId === undefined) return undefined;
  return hostname === ownId.slice(0, SHORT_ID_LENGTH) ? hostname : undefined;
}
