import { connectionError } from '../../../src/docker/connection-error.js';
import { EngineError } from '../../../src/docker/engine-error.js';

const question = {
  endpoint: { kind: 'unix', path: '/run/d.sock' },
  path: '/v1.41/info',
  container: 'web',
} as const;
const coded = (code: string, message = 'it went wrong'): Error => Object.assign(new Error(message), { code });

const outside = (): boolean => false;
const inside = (): boolean => true;

describe('what a socket or the HTTP client threw', () => {
  test.each([
    ['ENOENT', 'engine_unreachable', 'mount /var/run/docker.sock'],
    ['ECONNREFUSED', 'engine_unreachable', 'systemctl start docker'],
    ['ENOTSOCK', 'engine_unreachable', 'socket of the Engine'],
    ['EACCES', 'engine_permission', 'usermod -aG docker'],
    ['ENOTFOUND', 'engine_unreachable', 'check host and port'],
    ['EHOSTUNREACH', 'engine_unreachable', 'check host and port'],
    ['ECONNRESET', 'engine_reset', 'tries again'],
    ['EPIPE', 'engine_reset', 'tries again'],
    ['UND_ERR_SOCKET', 'engine_reset', 'tries again'],
    ['UND_ERR_HEADERS_TIMEOUT', 'engine_timeout', 'the load'],
    ['UND_ERR_BODY_TIMEOUT', 'engine_timeout', 'the load'],
    ['EPROTO', 'engine_tls', 'without docker.tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'engine_tls', 'without docker.tls'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'engine_tls', 'docker.tls.cert'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'engine_tls', 'docker.tls.ca'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'engine_tls', 'docker.tls.ca'],
    ['CERT_HAS_EXPIRED', 'engine_tls', 'renew'],
    ['EMFILE', 'engine_unreachable', 'LimitNOFILE'],
    ['SOMETHING_NEW', 'engine_unreachable', 'check host and port'],
    // No key of the table, though every object has it.
    ['constructor', 'engine_unreachable', 'check host and port'],
  ])('%s is %s', (code, expected, hint) => {
    const cause = coded(code);
    const error = connectionError(question, cause, outside);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: expected, container: 'web', cause, exit: 'engine' });
    expect(error.hint).toContain(hint);
    expect(error.message).toContain(`${code}: it went wrong`);
    expect(error.message).toContain('unix:///run/d.sock');
  });

  test('refused by a unix socket inside a container: the file that is mounted may be stale', () => {
    const refused = coded('ECONNREFUSED');
    const { hint, code, setting } = connectionError(question, refused, inside);
    expect(hint).toMatch(/^start the Engine; .* mounted into this container is stale: restart the container/);
    expect([code, setting]).toEqual(['engine_unreachable', 'docker.host']);
    const tcp = { ...question, endpoint: { kind: 'tcp', host: 'engine', port: 2375 } } as const;
    expect(connectionError(tcp, refused, inside).hint).not.toContain('stale');
    expect(connectionError(question, coded('ENOENT'), inside).hint).toContain('mount /var/run/docker.sock');
  });

  test('a code that the message has already is not said twice', () => {
    const error = connectionError(question, coded('ENOENT', 'connect ENOENT /run/d.sock'));
    expect(error.message.match(/ENOENT/g)).toHaveLength(1);
  });

  test('what was wrapped, and the first of several addresses that were tried', () => {
    const wrapped = new Error('fetch failed', {
      cause: new Error('again', { cause: coded('ECONNREFUSED') }),
    });
    expect(connectionError(question, wrapped, outside).hint).toContain('systemctl start docker');
    const several = new AggregateError([coded('ENETUNREACH'), coded('ECONNREFUSED')], 'all failed');
    expect(connectionError(question, several).hint).toContain('check host and port');
  });

  test('an answer that is not HTTP, which has no code', () => {
    const parser = Object.assign(new Error('Expected HTTP/'), { name: 'HTTPParserError' });
    expect(connectionError(question, parser)).toMatchObject({ code: 'engine_bad_answer' });
  });

  test('errors that are each other’s cause, without end', () => {
    const first = new Error('a');
    first.cause = new Error('b', { cause: first });
    expect(connectionError(question, first).code).toBe('engine_unreachable');
  });

  test('however much it has to say, the message is bounded', () => {
    expect(connectionError(question, coded('X', 'y'.repeat(10_000))).message.length).toBeLessThan(500);
  });
});
