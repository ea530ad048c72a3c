import fc from 'fast-check';
import { engineMessage, statusError } from '../../../src/docker/status-error.js';

const endpoint = { kind: 'unix', path: '/run/d.sock' } as const;
const of = (path: string, status: number, body = '') =>
  statusError({ endpoint, path, container: 'web' }, status, body);
const LOGS = `/v1.41/containers/${'ab'.repeat(32)}/logs`;

describe('a status other than 2xx', () => {
  test.each([
    [LOGS, 404, 'engine_not_found', 'removed'],
    [`/v1.41/containers/${'ab'.repeat(32)}/json`, 404, 'engine_not_found', 'removed'],
    // Every Engine has these.
    ['/v1.41/containers/json', 404, 'engine_bad_answer', 'docker.host'],
    ['/v1.41/events', 404, 'engine_bad_answer', 'docker.host'],
    [LOGS, 401, 'engine_permission', 'proxy'],
    [LOGS, 403, 'engine_permission', 'proxy'],
    [LOGS, 409, 'engine_conflict', 'docker rm -f'],
    [LOGS, 501, 'engine_not_implemented', 'json-file'],
    [LOGS, 500, 'engine_server_error', 'journalctl'],
    [LOGS, 503, 'engine_server_error', 'journalctl'],
    [LOGS, 400, 'engine_refused', 'docker.host'],
    [LOGS, 429, 'engine_refused', 'docker.host'],
    [LOGS, 301, 'engine_bad_answer', 'web server'],
    [LOGS, 204, 'engine_bad_answer', 'web server'],
  ])('%s %i is %s', (path, status, code, hint) => {
    const error = of(path, status, '{"message":"so it is"}');
    expect(error).toMatchObject({ code, status, container: 'web' });
    expect(error.hint).toContain(hint);
    expect(error.message).toContain(`answered ${status}: so it is`);
  });

  test.each([
    [
      LOGS,
      'Request forbidden by administrative rules.',
      'GET /containers/{id}/logs: set ALLOW_LOGS=1 in tecnativa',
    ],
    [LOGS, 'Forbidden', 'or add it to -allowGET of wollomatic/socket-proxy'],
    [`/v1.41/containers/${'ab'.repeat(32)}/json`, '', 'GET /containers/{id}/json: set CONTAINERS=1'],
    ['/v1.41/containers/json?all=1', '', 'GET /containers/json: set CONTAINERS=1'],
    ['/v1.41/events?since=1', '', 'GET /events: set EVENTS=1'],
    ['/_ping', '', 'GET /_ping: set PING=1'],
    [
      LOGS,
      'authorization denied by plugin vault: no',
      'plugin of the Engine permit GET /containers/{id}/logs',
    ],
  ])('403 of %s with %j: the hint names the endpoint and the setting', (path, body, hint) => {
    expect(of(path, 403, body).hint).toContain(hint);
  });

  test.each([
    ['client version 1.40 is too old. Minimum supported API version is 1.44', 'engine_version_refused'],
    ['Client version 1.99 is too new. Maximum supported API version is 1.41', 'engine_version_refused'],
    ['Client sent an HTTP request to an HTTPS server.', 'engine_tls'],
    ['client version is wrong', 'engine_refused'],
  ])('400 with %j is %s', (message, code) => {
    expect(of(LOGS, 400, JSON.stringify({ message })).code).toBe(code);
    expect(of(LOGS, 400, `${message}\n`).code).toBe(code);
  });
});

describe('what the Engine says', () => {
  test.each([
    ['{"message":"No such container: x"}\n', 'No such container: x'],
    ['plain words\n', 'plain words'],
    ['{"message":5}', ''],
    ['{"error":"x"}', '{"error":"x"}'],
    ['null', 'null'],
    ['[1]', '[1]'],
    ['', ''],
    ['<html>\r\n<b>\u001b[31mNo\u0000</b>', '<html> <b> [31mNo </b>'],
  ])('%j is quoted as %j', (body, expected) => {
    expect(engineMessage(body)).toBe(expected);
  });

  test('any body: one line, bounded, with nothing in it that moves a terminal', () => {
    const body = fc.oneof(fc.string({ unit: 'binary', maxLength: 2000 }), fc.json());
    fc.assert(
      fc.property(body, (text) => {
        const said = engineMessage(text);
        expect(said).not.toMatch(/[\p{Cc}\n\r]/u);
        expect(said.length).toBeLessThanOrEqual(301);
      }),
    );
  });
});
