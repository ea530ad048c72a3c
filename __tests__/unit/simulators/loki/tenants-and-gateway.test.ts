import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  startLokiSimulator,
  type LokiSimulator,
  type LokiSimulatorOptions,
} from '../../../../src/simulators/loki/index.js';
import { pushToLoki, type PushAnswer } from '../../../support/loki-push.js';

let loki: LokiSimulator;

afterEach(async () => {
  await loki.close();
});

async function start(options: LokiSimulatorOptions): Promise<void> {
  loki = await startLokiSimulator(options);
}

const push = (headers: Record<string, string>): Promise<PushAnswer> => {
  const stamp = BigInt(Date.now()) * 1_000_000n;
  return pushToLoki(loki.url, [{ labels: '{a="b"}', entries: [{ stamp, line: 'x' }] }], headers);
};

describe('tenants', () => {
  test('must be named where that is on', async () => {
    await start({ authEnabled: true });
    expect(await push({})).toMatchObject({ status: 401, body: 'no org id\n' });
    expect((await fetch(`${loki.url}/loki/api/v1/labels`)).status).toBe(401);
    expect((await fetch(`${loki.url}/ready`)).status).toBe(200);
    expect(await push({ 'x-scope-orgid': 'a|b' })).toMatchObject({
      status: 400,
      body: 'multiple org IDs present\n',
    });
    expect((await push({ 'x-scope-orgid': 'a/b' })).body).toBe(
      "tenant ID 'a/b' contains unsupported character '/'\n",
    );
  });

  test('do not see each other, and have limits of their own', async () => {
    await start({ authEnabled: true, tenantLimits: { small: { ingestionBurstBytes: 0 } } });
    expect((await push({ 'x-scope-orgid': 'one' })).status).toBe(204);
    expect((await push({ 'x-scope-orgid': 'small' })).status).toBe(429);
    const labels = async (tenant: string): Promise<unknown> =>
      (await fetch(`${loki.url}/loki/api/v1/labels`, { headers: { 'x-scope-orgid': tenant } })).json();
    expect(await labels('one')).toEqual({ status: 'success', data: ['a', 'service_name'] });
    expect(await labels('two')).toEqual({ status: 'success' });
    expect(loki.entries(undefined, 'one')).toHaveLength(1);
    expect(loki.entries(undefined, 'two')).toHaveLength(0);
  });

  test('are not looked at where it is off', async () => {
    await start({});
    await push({ 'x-scope-orgid': 'whoever' });
    expect(loki.entries()).toMatchObject([{ tenant: 'fake' }]);
  });
});

describe('a gateway', () => {
  test('asks for a password or a token', async () => {
    await start({ gateway: { basic: { user: 'u', password: 'p' }, bearer: 'token' } });
    const refused = await push({});
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Basic realm="Loki"');
    expect(refused.body).toContain('401 Authorization Required');
    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    expect((await push({ authorization: basic('u:wrong') })).status).toBe(401);
    expect((await push({ authorization: basic('u:p') })).status).toBe(204);
    expect((await push({ authorization: 'Bearer token' })).status).toBe(204);
  });

  test('limits bodies', async () => {
    await start({ gateway: { maxBodyBytes: 10 } });
    const { status, body } = await push({});
    expect(status).toBe(413);
    expect(body).toContain('<h1>413 Request Entity Too Large</h1>');
  });

  test('sends the Retry-After that Loki does not', async () => {
    await start({ limits: { ingestionBurstBytes: 0 } });
    expect((await push({})).headers.get('retry-after')).toBeNull();
    await loki.close();
    await start({ limits: { ingestionBurstBytes: 0 }, gateway: { retryAfter: '3' } });
    const { status, headers } = await push({});
    expect([status, headers.get('retry-after')]).toEqual([429, '3']);
  });
});

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loki-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const extension = 'subjectAltName=IP:127.0.0.1';
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ].concat(['-subj', '/CN=simulator', '-addext', extension, '-keyout', key, '-out', cert]),
    { stdio: 'ignore' },
  );
  const pem = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });

  const ready = async (client: object): Promise<string> =>
    new Promise((resolve, reject) => {
      request(`${loki.url}/ready`, { agent: false, ...client }, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      })
        .on('error', reject)
        .end();
    });

  test('with its own authority', async () => {
    await start({ tls: pem });
    expect(loki.url).toMatch(/^https:/);
    expect(await ready({ ca: pem.cert })).toBe('ready\n');
    await expect(ready({})).rejects.toThrow('self-signed certificate');
  });

  test('with client certificates', async () => {
    await start({ tls: { ...pem, clientCa: pem.cert } });
    expect(await ready({ ca: pem.cert, ...pem })).toBe('ready\n');
    await expect(ready({ ca: pem.cert })).rejects.toThrow();
  });
});
