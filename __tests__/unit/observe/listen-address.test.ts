import {
  isLoopback,
  listenWarning,
  parseListenAddress,
  formatListenAddress,
} from '../../../src/observe/listen-address.js';

describe('the listen address', () => {
  test.each([
    ['127.0.0.1:9464', '127.0.0.1', 9464],
    ['localhost:0', 'localhost', 0],
    ['[::1]:80', '::1', 80],
    [':9464', '127.0.0.1', 9464],
    [' 0.0.0.0:65535 ', '0.0.0.0', 65535],
    ['pollard.internal:9464', 'pollard.internal', 9464],
  ])('%s is read', (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port });
  });

  test.each([
    '',
    '9464',
    '127.0.0.1',
    '127.0.0.1:',
    'h:65536',
    '::1:80',
    '[nonsense]:80',
    'http://h:80',
    'h:80/x',
    '[1.2.3.4]:1',
  ])('%j is refused, with the setting named', (text) => {
    expect(() => parseListenAddress(text)).toThrow(
      expect.objectContaining({ code: 'status_listen_invalid', setting: 'status.listen', exit: 'usage' }),
    );
  });

  test('is printed as it is read', () => {
    for (const text of ['127.0.0.1:1', '[::1]:2', 'localhost:3'])
      expect(formatListenAddress(parseListenAddress(text))).toBe(text);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['LocalHost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['localhost.example.com', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  test('one that others reach is warned of, unless guarded by a token under TLS', () => {
    const open = { host: '0.0.0.0', port: 9464 };
    expect(listenWarning(open, { token: false, tls: false })).toContain('status.token_file');
    expect(listenWarning(open, { token: false, tls: true })).toContain('status.token_file');
    expect(listenWarning(open, { token: true, tls: false })).toContain('unencrypted');
    expect(listenWarning(open, { token: true, tls: true })).toBeUndefined();
    expect(listenWarning({ host: '127.0.0.1', port: 1 }, { token: false, tls: false })).toBeUndefined();
  });
});
