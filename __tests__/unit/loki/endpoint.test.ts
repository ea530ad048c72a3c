import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { httpUrl, readEndpoint } from '../../../src/loki/endpoint.js';
import { LokiSettingError } from '../../../src/loki/loki-error.js';

const PUSH = '/loki/api/v1/push';

describe('base or push URL', () => {
  test.each([
    ['http://loki:3100', 'http://loki:3100'],
    ['http://loki:3100/', 'http://loki:3100'],
    ['http://loki:3100//', 'http://loki:3100'],
    [`http://loki:3100${PUSH}`, 'http://loki:3100'],
    [`http://loki:3100${PUSH}/`, 'http://loki:3100'],
    ['https://logs.example/gate/way/', 'https://logs.example/gate/way'],
    [`https://logs.example/gate${PUSH}`, 'https://logs.example/gate'],
    ['HTTP://LOKI', 'http://loki'],
    ['https://loki:443', 'https://loki'],
    ['http://[::1]:3100', 'http://[::1]:3100'],
    ['http://loki/pushed', 'http://loki/pushed'],
  ])('%s', (text, base) => {
    expect(readEndpoint(text)).toEqual({ base, pushUrl: `${base}${PUSH}` });
  });
});

function refusal(read: () => unknown): LokiSettingError {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(LokiSettingError);
    expect((error as LokiSettingError).hint).toMatch(/\w/);
    return error as LokiSettingError;
  }
  throw new Error('was taken');
}

describe('what is refused', () => {
  test.each([
    ['', 'not a URL'],
    ['loki:3100', 'not a URL'],
    ['127.0.0.1:3100', 'not a URL'],
    ['ftp://loki', 'not a URL'],
    ['unix:///run/loki.sock', 'not a URL'],
    ['http://', 'not a URL'],
    ['http://loki:99999', 'not a URL'],
    ['http://user:s3cret@loki', 'user name or a password'],
    ['http://user@loki', 'user name or a password'],
    ['http://loki/?tenant=s3cret', 'query or a fragment'],
    ['http://loki/#s3cret', 'query or a fragment'],
    ['http://loki/api/prom/push', 'not the path'],
    ['http://loki/loki/api/v2/push', 'not the path'],
    ['http://loki/otlp/v1/logs', 'not the path'],
  ])('%s', (text, problem) => {
    const error = refusal(() => readEndpoint(text));
    expect(error.setting).toBe('loki.url');
    expect(error.message).toContain(problem);
    expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
  });

  test('a text that is no URL is not shown: it may hold a password', () => {
    const error = refusal(() => httpUrl('loki.proxy_url', 'proxy:s3cret@host'));
    expect(error.setting).toBe('loki.proxy_url');
    expect(error.message).not.toContain('s3cret');
  });
});

test('whatever is taken is a URL that ends as Loki wants it', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string()),
      (text) => {
        let endpoint;
        try {
          endpoint = readEndpoint(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LokiSettingError);
          return;
        }
        expect(new URL(endpoint.pushUrl).pathname.endsWith(PUSH)).toBe(true);
        expect(endpoint.base.endsWith('/')).toBe(false);
        // The push URL may be given as well.
        expect(readEndpoint(endpoint.pushUrl)).toEqual(endpoint);
      },
    ),
  );
});
