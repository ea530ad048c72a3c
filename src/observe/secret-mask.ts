export const MASK = '***';

/** A shorter secret would be found by chance in ordinary words, and guards nothing. */
const SHORTEST = 4;

const SECRET_KEY =
  /passw|passphrase|^pass$|secret|token|authorization|credential|cookie|(api|access|private|client)[-_ ]?key/i;
/** Tells where a secret is, or how many there are; is none. */
const ABOUT_A_SECRET = /(file|path|count|name)$/i;

// Each of these is bounded in what it may match, so that a megabyte of a hostile server's text takes no minutes.

/** `scheme://user:password@host`: the password, whoever wrote the URL. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]{0,15}:\/\/[^\s/:@]{0,256}):[^\s/@]{1,1024}@/gi;
const AUTHORIZATION = /(authorization["']?\s{0,8}[:=]\s{0,8}["']?(?:(?:basic|bearer)\s{1,8})?)[^\s"',;]+/gi;
const PRIVATE_KEY =
  /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]{0,32}PRIVATE KEY-----|$)/g;

/** Takes a text and returns it without secrets. */
export type SecretMask = (text: string) => string;

/**
 * Makes a mask that replaces by `***` the given values wherever they stand in a text, as they are and as they
 * look in a URL, and besides them passwords in URLs, Authorization headers and private keys in PEM form. Values
 * of less than four characters are not looked for.
 *
 * @param secrets passwords, tokens, whole header values
 */
export function secretMask(secrets: Iterable<string>): SecretMask {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const value = secret.trim();
    if (value.length < SHORTEST) continue;
    forms.add(value);
    // By way of bytes: half a surrogate pair cannot be encoded.
    forms.add(encodeURIComponent(Buffer.from(value).toString()));
  }
  // The longest first: a secret may begin with another one.
  const known = [...forms].sort((a, b) => b.length - a.length).map(escapeForRegExp);
  const values = known.length === 0 ? undefined : new RegExp(known.join('|'), 'g');

  return (text) => {
    const unknown = values === undefined ? text : text.replace(values, MASK);
    return unknown
      .replace(URL_PASSWORD, `$1:${MASK}@`)
      .replace(AUTHORIZATION, `$1${MASK}`)
      .replace(PRIVATE_KEY, MASK);
  };
}

/** Whether a value under this name is a secret whatever it is: `password`, `bearer_token`, `X-Api-Key`. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key) && !ABOUT_A_SECRET.test(key);
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
