import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Makes the check of an `Authorization: Bearer` header (RFC 6750) against a token, in a time that does not tell
 * how much of it was right.
 */
export function bearerCheck(token: string): (header: string | undefined) => boolean {
  const wanted = digest(token);
  return (header) => {
    const given = /^bearer +(\S+) *$/i.exec(header ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), wanted);
  };
}

/** Of equal length whatever the text's, which timingSafeEqual needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
