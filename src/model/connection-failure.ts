/** What a socket, TLS or an HTTP client threw, as far as it can be told apart. */
export interface ConnectionFailure {
  /** The `code` of the system (errno(3)), of Node.js or of undici; empty when there is none. */
  readonly code: string;
  /** The message, with the code if that does not show it; bounded. */
  readonly said: string;
  /** Theirs or ours is not taken (Node.js: tls, "X509 certificate error codes"; OpenSSL's alerts). */
  readonly isCertificate: boolean;
}

const CERTIFICATE =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CRL_|ERR_TLS_|ERR_SSL_|INVALID_CA|HOSTNAME_MISMATCH|INVALID_PURPOSE)/;
const SHOWN = 300;

export function connectionFailure(cause: Error): ConnectionFailure {
  const code = codeOf(cause as ErrorLike);
  const said = code === '' || cause.message.includes(code) ? cause.message : `${code}: ${cause.message}`;
  return { code, said: said.slice(0, SHOWN), isCertificate: CERTIFICATE.test(code) };
}

/** The error's own code, or that of the first in a chain, or (several addresses tried) of the first tried. */
function codeOf(error: ErrorLike): string {
  let at: ErrorLike | null | undefined = error;
  for (let depth = 0; depth < 5 && at !== undefined && at !== null; depth++) {
    if (typeof at.code === 'string') return at.code;
    at = at.errors?.[0] ?? at.cause;
  }
  return '';
}

interface ErrorLike {
  readonly code?: unknown;
  readonly errors?: readonly ErrorLike[];
  readonly cause?: ErrorLike | null;
}
