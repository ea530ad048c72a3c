import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its key, as text and as files. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TestCertificates {
  /** Signs the two others. */
  readonly authority: TestCertificate;
  /** For 127.0.0.1 and for `loki.internal`. */
  readonly server: TestCertificate;
  readonly client: TestCertificate;
  /** Signed by itself; nobody knows it. */
  readonly stranger: TestCertificate;
  /** As the server's, but valid only until long ago. */
  readonly expired: TestCertificate;
}

/** Makes an authority, what it signed, and a stranger, valid for two days, in a folder of the test's own. */
export function makeCertificates(folder: string): TestCertificates {
  const authority = selfSigned(folder, 'authority');
  return {
    authority,
    server: signed(folder, 'server', authority, SERVER_NAMES),
    client: signed(folder, 'client', authority, 'extendedKeyUsage=clientAuth'),
    stranger: selfSigned(folder, 'stranger'),
    expired: signed(folder, 'expired', authority, SERVER_NAMES, LONG_AGO),
  };
}

const SERVER_NAMES = 'subjectAltName=IP:127.0.0.1,DNS:loki.internal';
const TWO_DAYS = ['-days', '2'];
/** As `openssl x509` takes an end before now. */
const LONG_AGO = ['-days', '-1'];
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function selfSigned(folder: string, name: string): TestCertificate {
  const files = filesOf(folder, name);
  openssl(['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`].concat(out(files)));
  return read(files);
}

function signed(
  folder: string,
  name: string,
  by: TestCertificate,
  extension: string,
  valid: readonly string[] = TWO_DAYS,
): TestCertificate {
  const files = filesOf(folder, name);
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
  writeFileSync(extensions, `${extension}\n`);
  openssl(['req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', files.keyFile, '-out', request]);
  openssl(
    ['x509', '-req', '-in', request, '-CA', by.certFile, '-CAkey', by.keyFile, '-CAcreateserial'].concat([
      ...valid,
      '-extfile',
      extensions,
      '-out',
      files.certFile,
    ]),
  );
  return read(files);
}

interface Files {
  certFile: string;
  keyFile: string;
}

function filesOf(folder: string, name: string): Files {
  return { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
}

function out({ certFile, keyFile }: Files): string[] {
  return ['-keyout', keyFile, '-out', certFile];
}

function read(files: Files): TestCertificate {
  return { ...files, cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') };
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
