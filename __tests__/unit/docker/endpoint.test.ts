import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  endpointOrigin,
  endpointText,
  parseEndpoint,
  type EngineEndpoint,
} from '../../../src/docker/endpoint.js';
import { readTlsFiles } from '../../../src/docker/tls-files.js';
import { PollardError } from '../../../src/model/errors.js';
import { LOOPBACK_CERTIFICATE } from '../../support/loopback-certificate.js';

const tls = { ca: Buffer.from('x') };

test.each<[string, EngineEndpoint]>([
  ['unix:///var/run/docker.sock', { kind: 'unix', path: '/var/run/docker.sock' }],
  ['unix://', { kind: 'unix', path: '/var/run/docker.sock' }],
  ['unix:///run/user/1000/docker.sock', { kind: 'unix', path: '/run/user/1000/docker.sock' }],
  ['UNIX:///x', { kind: 'unix', path: '/x' }],
  ['tcp://engine', { kind: 'tcp', host: 'engine', port: 2375 }],
  ['tcp://engine:80', { kind: 'tcp', host: 'engine', port: 80 }],
  ['tcp://127.0.0.1:2375/', { kind: 'tcp', host: '127.0.0.1', port: 2375 }],
  ['tcp://[::1]:2375', { kind: 'tcp', host: '::1', port: 2375 }],
  ['tcp://[fe80::1]', { kind: 'tcp', host: 'fe80::1', port: 2375 }],
  ['http://engine', { kind: 'tcp', host: 'engine', port: 80 }],
  ['https://engine', { kind: 'tcp', host: 'engine', port: 443, tls: {} }],
  ['https://engine:2376', { kind: 'tcp', host: 'engine', port: 2376, tls: {} }],
])('%s', (address, endpoint) => {
  expect(parseEndpoint(address)).toEqual(endpoint);
});

test('with TLS files tcp is spoken encrypted, a socket as ever', () => {
  expect(parseEndpoint('tcp://engine', tls)).toEqual({ kind: 'tcp', host: 'engine', port: 2376, tls });
  expect(parseEndpoint('https://engine:1', tls)).toEqual({ kind: 'tcp', host: 'engine', port: 1, tls });
  expect(parseEndpoint('unix:///x', tls)).toEqual({ kind: 'unix', path: '/x' });
});

function refusal(address: string, files?: typeof tls): PollardError {
  try {
    parseEndpoint(address, files);
  } catch (error) {
    if (error instanceof PollardError) return error;
    throw error;
  }
  throw new Error(`${address} was taken`);
}

test.each([
  ['/var/run/docker.sock', 'it has no scheme', 'write unix:///var/run/docker.sock'],
  ['engine:2375', 'it has no scheme', 'tcp://host:2376'],
  ['', 'it has no scheme', 'unix:///var/run/docker.sock'],
  ['ssh://user@host', 'ssh is not supported', 'ssh -L'],
  ['npipe:////./pipe/docker_engine', 'named pipes of Windows', 'tcp://'],
  ['fd://', 'for the daemon itself', 'systemd'],
  ['ftp://engine', 'ftp is not known', 'unix://'],
  ['unix://run/docker.sock', 'not absolute', 'unix:///run/docker.sock'],
  [`unix:///${'x'.repeat(107)}`, 'longer than 107 bytes', 'shorter path'],
  ['unix:///a\0b', 'NUL', 'correct'],
  ['tcp://', 'no host', 'tcp://host:port'],
  ['tcp://:2375', 'no host', 'tcp://host:port'],
  ['tcp://engine:99999', 'no host, or a bad one', 'tcp://host:port'],
  ['tcp://engine:0', 'port is 0', '2376'],
  ['tcp://engine/v1.41', 'behind host and port', 'only host and port'],
  ['tcp://engine?x=1', 'behind host and port', 'only host and port'],
])('%j is refused: %s', (address, problem, hint) => {
  const error = refusal(address);
  expect(error).toMatchObject({ code: 'docker_host_invalid', setting: 'docker.host', exit: 'usage' });
  expect(error.message).toContain(problem);
  expect(error.hint).toContain(hint);
});

test('a password is refused and not shown; http with TLS files is a contradiction', () => {
  const error = refusal('tcp://user:secret@engine');
  expect(error.message).toContain('the Engine knows no users');
  expect(error.message).not.toContain('secret');
  expect(refusal('http://engine', tls).message).toContain('not encrypted');
});

test('any text is an endpoint or refused, and an endpoint is printed as one', () => {
  const text = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.tuple(fc.constantFrom('unix', 'tcp', 'http', 'https'), fc.string()).map((parts) => parts.join('://')),
  );
  fc.assert(
    fc.property(text, (address) => {
      let endpoint;
      try {
        endpoint = parseEndpoint(address);
      } catch (error) {
        if (error instanceof PollardError) return;
        throw error;
      }
      expect(URL.canParse(endpointOrigin(endpoint))).toBe(true);
      expect(endpointText(endpoint)).toMatch(/^(?:unix|tcp|https):\/\//);
    }),
    { numRuns: 1000 },
  );
  expect(endpointText({ kind: 'tcp', host: '::1', port: 1 })).toBe('tcp://[::1]:1');
  expect(endpointOrigin({ kind: 'tcp', host: '::1', port: 1, tls: {} })).toBe('https://[::1]:1');
});

describe('TLS files', () => {
  const withFiles = async (use: (path: (name: string) => string) => Promise<void>): Promise<void> => {
    const dir = await mkdtemp(join(tmpdir(), 'pollard-tls-'));
    try {
      await writeFile(join(dir, 'cert.pem'), LOOPBACK_CERTIFICATE.cert);
      await writeFile(join(dir, 'key.pem'), LOOPBACK_CERTIFICATE.key);
      await use((name) => join(dir, name));
    } finally {
      await rm(dir, { recursive: true });
    }
  };

  test('are read as they are', async () => {
    await withFiles(async (path) => {
      const files = {
        ca: path('cert.pem'),
        cert: path('cert.pem'),
        key: path('key.pem'),
        servername: 'engine',
      };
      const cert = Buffer.from(LOOPBACK_CERTIFICATE.cert);
      expect(await readTlsFiles(files)).toEqual({
        ca: cert,
        cert,
        key: Buffer.from(LOOPBACK_CERTIFICATE.key),
        servername: 'engine',
      });
      expect(await readTlsFiles({})).toEqual({});
    });
  });

  test.each([
    [{ ca: 'none.pem' }, 'docker.tls.ca_file', 'cannot be read'],
    [{ ca: 'key.pem' }, 'docker.tls.ca_file', 'is not a certificate'],
    [{ cert: 'cert.pem' }, 'docker.tls.key_file', 'not its key'],
    [{ key: 'key.pem' }, 'docker.tls.cert_file', 'not its certificate'],
    [{ cert: 'cert.pem', key: 'cert.pem' }, 'docker.tls.key_file', 'is not a private key'],
  ])('%j is told by its setting', async (names, setting, problem) => {
    await withFiles(async (path) => {
      const files = Object.fromEntries(Object.entries(names).map(([part, name]) => [part, path(name)]));
      const error: unknown = await readTlsFiles(files).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'docker_tls_invalid', setting, exit: 'usage' });
      expect((error as Error).message).toContain(problem);
    });
  });
});
