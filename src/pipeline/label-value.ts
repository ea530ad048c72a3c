/**
 * Cuts a text to so many bytes of UTF-8, never inside a character. Half a surrogate pair becomes U+FFFD, as it
 * does in the bytes that are sent.
 */
export function cutToBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return bytes.toString('utf8');
  let end = maxBytes;
  // The first byte left out must begin a character.
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

const ID = /^(?:sha256:)?([0-9a-f]{64})$/;

/**
 * An image as people write it. The list has the id of one whose name was given to another meanwhile
 * (Engine API, ContainerList), which becomes the short id.
 */
export function imageName(listed: string): string {
  return ID.exec(listed)?.[1]?.slice(0, 12) ?? listed;
}
