import { describe, expect, test } from '@jest/globals';
import { connectionError, lateError } from '../../../src/loki/connection-error.js';
import { LokiRequestError } from '../../../src/loki/loki-error.js';

const WHERE = 'Loki at http://loki:3100';
const coded = (code: string, message = 'it went wrong'): Error => Object.assign(new Error(message), { code });

describe('what a socket or the HTTP client threw', () => {
  test.each([
    ['ECONNREFUSED', 'loki_unreachable', 'does not listen'],
    ['ENOTFOUND', 'loki_unreachable', 'host name that is not known'],
    ['EAI_AGAIN', 'loki_unreachable', 'at the moment'],
    ['EHOSTUNREACH', 'loki_unreachable', 'cannot be reached'],
    ['ENETUNREACH', 'loki_unreachable', 'cannot be reached'],
    ['EMFILE', 'loki_unreachable', 'no file descriptor left'],
    ['ECONNRESET', 'loki_unreachable', 'broke off'],
    ['EPIPE', 'loki_unreachable', 'broke off'],
    ['UND_ERR_SOCKET', 'loki_unreachable', 'broke off'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'loki_unreachable', 'broke off'],
    ['ETIMEDOUT', 'loki_timeout', 'no answer in time'],
    ['UND_ERR_CONNECT_TIMEOUT', 'loki_timeout', 'no answer in time'],
    ['UND_ERR_HEADERS_TIMEOUT', 'loki_timeout', 'no answer in time'],
    ['UND_ERR_HEADERS_OVERFLOW', 'loki_not_http', 'does not speak HTTP'],
    ['EPROTO', 'loki_tls', 'does not speak TLS'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'loki_tls', 'does not speak TLS'],
    ['CERT_HAS_EXPIRED', 'loki_tls', 'has expired'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'loki_tls', 'not trusted'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'loki_tls', 'not trusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'loki_tls', 'not trusted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'loki_tls', 'not trusted'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'loki_tls', 'does not accept ours'],
    ['SOMETHING_NEW', 'loki_unreachable', 'cannot be reached'],
    // No key of the table, though every object has it.
    ['constructor', 'loki_unreachable', 'cannot be reached'],
  ])('%s is %s', (code, expected, problem) => {
    const cause = coded(code);
    const error = connectionError(WHERE, cause);
    expect(error).toBeInstanceOf(LokiRequestError);
    expect(error).toMatchObject({ code: expected, cause, exit: 'loki' });
    expect(error.message.startsWith(`${WHERE} `)).toBe(true);
    expect(error.message).toContain(problem);
    expect(error.message).toContain(`${code}: it went wrong`);
    expect(error.hint).toMatch(/\w/);
  });

  test('the code is said once', () => {
    const { message } = connectionError(WHERE, coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'));
    expect(message).toBe(`${WHERE} does not listen: connect ECONNREFUSED 127.0.0.1:1`);
  });

  test('without a code', () => {
    const { code, message } = connectionError(WHERE, new Error('it went wrong'));
    expect([code, message]).toEqual(['loki_unreachable', `${WHERE} cannot be reached: it went wrong`]);
  });

  test('of a chain, and of several addresses tried', () => {
    const chained = new Error('fetch failed', { cause: new Error('x', { cause: coded('ECONNRESET') }) });
    expect(connectionError(WHERE, chained).message).toContain('broke off');
    const several = new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')], '');
    expect(connectionError(WHERE, several).message).toContain('does not listen: ECONNREFUSED');
    const endless = new Error('x');
    endless.cause = endless;
    expect(connectionError(WHERE, endless).code).toBe('loki_unreachable');
  });

  test('what the parser says has a name and no code', () => {
    const error = Object.assign(new Error('Expected HTTP/'), { name: 'HTTPParserError' });
    expect(connectionError(WHERE, error).code).toBe('loki_not_http');
    const coded = Object.assign(error, { code: 'HPE_INVALID_CONSTANT' });
    expect(connectionError(WHERE, coded)).toMatchObject({ code: 'loki_not_http', setting: 'loki.url' });
  });

  test('is quoted from its beginning', () => {
    expect(connectionError(WHERE, new Error('x'.repeat(10_000))).message.length).toBeLessThan(400);
  });
});

describe('what a proxy said', () => {
  test.each([
    [403, 'loki_proxy'],
    [407, 'loki_proxy'],
    [502, 'loki_unreachable'],
    [504, 'loki_unreachable'],
  ])('%i to CONNECT: %s', (status, code) => {
    const cause = coded('UND_ERR_ABORTED', `Proxy response (${status}) !== 200 when HTTP Tunneling`);
    expect(connectionError(WHERE, cause).code).toBe(code);
  });

  test('407 to a request for http://', () => {
    const cause = coded('UND_ERR_INVALID_ARG', 'Proxy Authentication Required (407)');
    expect(connectionError(WHERE, cause)).toMatchObject({ code: 'loki_proxy', setting: 'loki.proxy_url' });
  });
});

test('late: how long was waited, and where to set it', () => {
  const error = lateError(WHERE, 30_000);
  expect(error).toMatchObject({ code: 'loki_timeout', setting: 'loki.timeout', exit: 'loki' });
  expect(error.message).toBe(`${WHERE} gave no answer in time (30000 ms)`);
});
