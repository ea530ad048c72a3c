import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { classifyAnswer, classifyFailure } from '../../../src/loki/classify.js';
import { formatLabels } from '../../../src/loki/labels.js';
import { LokiRequestError, type LokiRequestErrorCode } from '../../../src/loki/loki-error.js';
import type { LokiAnswer } from '../../../src/loki/transport.js';
import type { Verdict } from '../../../src/loki/verdict.js';
import { gatewayPage } from '../../../src/simulators/loki/answer.js';
import { Messages } from '../../../src/simulators/loki/messages.js';
import { NOW } from '../../support/push-lines.js';

const NOW_MS = Number(NOW / 1_000_000n);
const A = '{service_name="s", stream="a"}';

const answer = (status: number, body = '', more: Partial<LokiAnswer> = {}): LokiAnswer => ({
  status,
  body,
  contentType: 'text/plain; charset=utf-8',
  ...more,
});
const page = (status: number): LokiAnswer =>
  answer(status, gatewayPage(status).body, { contentType: 'text/html' });
const verdict = (given: LokiAnswer): Verdict => classifyAnswer(given, NOW_MS);

describe('what proves that all is stored', () => {
  test('204, and an empty 200, 201 or 202 of a gateway', () => {
    for (const status of [204, 200, 201, 202]) expect(verdict(answer(status))).toEqual({ kind: 'accepted' });
    expect(verdict(answer(200, ' \n'))).toEqual({ kind: 'accepted' });
  });

  test.each([
    ['a page', page(200)],
    ['a page without its type', answer(200, '  <!DOCTYPE html><title>Welcome</title>')],
    ['text', answer(200, 'ok')],
    ['JSON', answer(200, '{"status":"success"}', { contentType: 'application/json' })],
    ['another status, empty', answer(206)],
    ['260, empty', answer(260)],
  ])('%s proves nothing', (_, given) => {
    expect(verdict(given)).toMatchObject({ kind: 'halt', setting: 'loki.url' });
  });
});

describe('what may heal', () => {
  test.each([500, 502, 503, 504, 507, 599, 408, 425, 429])('%i', (status) => {
    for (const given of [answer(status, 'no'), page(status)]) {
      expect(verdict(given)).toMatchObject({ kind: 'retry', ofStream: false });
    }
  });

  test('may be a matter of size: 429, 500, and what took too long', () => {
    const perhaps = [408, 425, 429, 500, 502, 503, 504].filter((status) => {
      const read = verdict(answer(status, 'no'));
      return read.kind === 'retry' && read.perhapsSize;
    });
    expect(perhaps).toEqual([408, 429, 500, 504]);
  });

  test.each([
    ['Loki is done with it', [425, 500, 503, 507, 599], 'answered'],
    ['a gateway gave up on it', [408, 502, 504], 'open'],
    ['over the rate of the tenant, nothing of it is stored', [429], 'not-stored'],
  ])('%s', (_, statuses, fate) => {
    for (const status of statuses)
      expect(verdict(answer(status, 'no'))).toMatchObject({ kind: 'retry', fate });
  });

  test('over the rate of a stream, it is stored in part unless Loki refuses as many entries as were sent', () => {
    const body = (ignored: number, total: number): string =>
      `entry with timestamp x ignored, reason: 'Per stream rate limit exceeded (limit: 3MB/sec)',\nuser 'fake', total ignored: ${ignored} out of ${total} for stream: ${A}`;
    const fateOf = (text: string): unknown => {
      const read = classifyAnswer(answer(429, text), NOW_MS, 10);
      return read.kind === 'retry' && read.fate;
    };
    expect(fateOf(body(10, 10))).toBe('not-stored');
    expect(fateOf(body(9, 10))).toBe('answered');
    // One of several shards.
    expect(fateOf(body(5, 5))).toBe('answered');
    expect(fateOf('Per stream rate limit exceeded')).toBe('answered');
  });

  test('without an answer, it may be under way unless there was no connection', () => {
    const fateOf = (code?: string): unknown => {
      const cause = code === undefined ? undefined : Object.assign(new Error('no'), { code });
      const read = classifyFailure(new LokiRequestError('loki_unreachable', 'no', { cause }));
      return read.kind === 'retry' && read.fate;
    };
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']) {
      expect(fateOf(code)).toBe('not-stored');
    }
    for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'E_UNKNOWN']) {
      expect(fateOf(code)).toBe('open');
    }
    expect(fateOf()).toBe('open');
  });

  test('waits as long as it is asked to, also where a setting is wrong', () => {
    expect(verdict(answer(503, '', { retryAfter: '7' }))).toMatchObject({ kind: 'retry', afterMs: 7000 });
    const date = new Date(NOW_MS + 90_000).toUTCString();
    expect(verdict(answer(429, '', { retryAfter: date }))).toMatchObject({ kind: 'retry', afterMs: 90_000 });
    expect(verdict(answer(401, '', { retryAfter: '7' }))).toMatchObject({ kind: 'halt', afterMs: 7000 });
    expect(verdict(answer(503, '', { retryAfter: 'soon' }))).not.toHaveProperty('afterMs');
    expect(verdict(answer(204, '', { retryAfter: '7' }))).toEqual({ kind: 'accepted' });
  });

  describe.each(['3.5', '3.7'] as const)('429 of Loki %s', (version) => {
    const say = new Messages(version);
    const wrapped = (reason: string): string =>
      `entry with timestamp 2023 ignored, reason: '${reason}',\nuser 'fake', total ignored: 1 out of 1 for stream: ${A}\n`;

    test("the tenant's rate concerns all streams", () => {
      const given = answer(429, say.tenantRate('fake', 4_194_304, 3, 7_000_000));
      expect(verdict(given)).toMatchObject({ kind: 'retry', perhapsSize: true, ofStream: false });
    });

    test("a stream's rate concerns this one", () => {
      const given = answer(429, wrapped(say.streamRate(3_145_728, A, 20_000_000)));
      expect(verdict(given)).toMatchObject({ kind: 'retry', perhapsSize: true, ofStream: true });
    });

    test('the number of streams concerns this one, and no smaller request helps', () => {
      const read = verdict(answer(429, say.streamLimit(A, 'fake')));
      expect(read).toMatchObject({ kind: 'retry', perhapsSize: false, ofStream: true });
      expect(read).toHaveProperty('hint', expect.stringContaining('max_global_streams_per_user'));
    });

    test('labels that speak of another limit change nothing', () => {
      const labels = formatLabels({ a: 'active stream limit exceeded', b: 'per stream rate limit exceeded' });
      const text = `something new against ${labels}`;
      expect(verdict(answer(429, text))).toMatchObject({ perhapsSize: true, ofStream: false });
      expect(verdict(answer(429, wrapped(say.streamRate(1, labels, 2))))).toMatchObject({
        perhapsSize: true,
      });
    });
  });
});

describe('what is too large', () => {
  test.each([
    [500, 'rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)'],
    [500, 'rpc error: trying to send message larger than max (5000000 vs. 4194304)'],
    [400, 'received message larger than max (5 vs. 4)'],
    [413, 'request body too large: received message larger than max (5 vs. 4)'],
    [413, ''],
  ])('%i %s', (status, body) => {
    expect(verdict(answer(status, body))).toEqual({ kind: 'shrink', reason: `${status} ${body}`.trim() });
  });

  test('the page of a gateway', () => {
    expect(verdict(page(413))).toEqual({
      kind: 'shrink',
      reason: '413 (a page of HTML: 413 Request Entity Too Large)',
    });
  });

  test('not, where only a label says so', () => {
    const labels = formatLabels({ a: 'received message larger than max' });
    const old = new Messages('3.5').tooOld(labels, NOW, NOW);
    expect(verdict(answer(400, old))).toMatchObject({ kind: 'refused', why: 'too-old' });
    const long = new Messages('3.5').labelValueTooLong(A, 'received message larger than max');
    expect(verdict(answer(400, long))).toMatchObject({ kind: 'refused', why: 'stream' });
  });
});

describe('what Loki refuses', () => {
  test('with 400 and 422, for a reason that is known or not', () => {
    const old = new Messages('3.7').tooOld(A, NOW, NOW);
    expect(verdict(answer(400, old))).toMatchObject({
      kind: 'refused',
      why: 'too-old',
      reason: `400 ${old}`,
    });
    expect(verdict(answer(422, 'odd'))).toEqual({ kind: 'refused', why: 'other', reason: '422 odd' });
    expect(verdict(answer(400))).toEqual({ kind: 'refused', why: 'other', reason: '400' });
  });

  test('not with a page: that is a gateway, or another server', () => {
    for (const status of [400, 422]) {
      expect(verdict(page(status))).toMatchObject({ kind: 'halt', setting: 'loki.url' });
    }
    expect(verdict(answer(400, '<html>timestamp too old</html>'))).toMatchObject({ kind: 'halt' });
  });
});

describe('what somebody must change', () => {
  test.each([
    [401, 'loki.basic_auth'],
    [403, 'loki.basic_auth'],
    [404, 'loki.url'],
    [405, 'loki.url'],
    [410, 'loki.url'],
    [407, 'loki.proxy_url'],
    [415, 'loki.encoding'],
    [301, 'loki.url'],
    [402, 'loki.url'],
    [418, 'loki.url'],
    [451, 'loki.url'],
  ])('%i: %s', (status, setting) => {
    for (const given of [answer(status, 'no'), page(status)]) {
      const read = verdict(given);
      expect(read).toMatchObject({ kind: 'halt', setting });
      expect(read).toHaveProperty('hint', expect.stringMatching(/\w/));
    }
  });

  test('blocked ingestion, whatever status was chosen for it', () => {
    for (const status of [260, 200, 400, 429, 503]) {
      const text = new Messages('3.5').blocked('fake', NOW, status);
      expect(verdict(answer(status, text))).toMatchObject({ kind: 'halt', setting: 'loki.tenant' });
    }
  });

  test('a redirect says where to', () => {
    const read = verdict(answer(302, '', { location: 'https://elsewhere/\u001b[31m' }));
    expect(read).toHaveProperty('hint', expect.stringContaining('to https://elsewhere/ [31m:'));
    expect(verdict(answer(302))).toHaveProperty('hint', expect.stringContaining('elsewhere'));
  });
});

describe('what is shown', () => {
  test('is short, on one line, and moves no cursor', () => {
    const read = verdict(answer(400, `a\r\n\tb\u001b[2J\u009b${'x'.repeat(100_000)}`));
    expect(read).toHaveProperty('reason', expect.stringMatching(/^400 a b \[2J x+$/));
    expect((read as { reason: string }).reason).toHaveLength(504);
  });

  test('of a page: its title', () => {
    expect(verdict(page(404))).toHaveProperty('reason', '404 (a page of HTML: 404 Not Found)');
    expect(verdict(answer(404, '<html></html>'))).toHaveProperty('reason', '404 (a page of HTML)');
  });

  test('never a secret that the answer repeats', () => {
    const secrets = ['s3cret', 'dXNlcjpzM2NyZXQ='];
    const body = "bad header: 'Basic dXNlcjpzM2NyZXQ=' (s3cret) s3cret";
    for (const [status, text] of [
      [401, body],
      [400, body],
      [500, body],
      [200, body],
      [401, `<html><title>${body}</title>`],
    ] as const) {
      const { reason } = verdict(answer(status, text, { secrets })) as { reason: string };
      expect(reason).toContain("'Basic ***' (***) ***");
      expect(reason).not.toContain('s3cret');
    }
    const location = 'https://x/?token=s3cret';
    const read = verdict(answer(302, '', { location, secrets }));
    expect(read).toHaveProperty('hint', expect.stringContaining('https://x/?token=***'));
  });

  test('not a half of one that is cut off', () => {
    for (let before = 440; before < 520; before++) {
      const read = verdict(answer(400, `${'x'.repeat(before)}abcdefghijkl`, { secrets: ['abcdefghijkl'] }));
      expect((read as { reason: string }).reason).not.toContain('abc');
      const title = `<html><title>${'x'.repeat(before - 300)}abcdefghijkl</title>`;
      const shown = verdict(answer(404, title, { secrets: ['abcdefghijkl'] })) as { reason: string };
      expect(shown.reason).not.toContain('abc');
    }
  });

  test('what is masked is still understood', () => {
    const read = verdict(answer(400, 'timestamp too old', { secrets: ['timestamp'] }));
    expect(read).toMatchObject({ kind: 'refused', why: 'too-old', reason: '400 *** too old' });
  });
});

test('every answer means something, and what is shown is bounded', () => {
  const anyAnswer = fc.record({
    status: fc.oneof(fc.integer({ min: 200, max: 599 }), fc.constantFrom(204, 400, 413, 422, 429, 500)),
    body: fc.oneof(fc.string({ unit: 'binary', maxLength: 2000 }), fc.constantFrom('no org id', '<html>')),
    contentType: fc.constantFrom('', 'text/html', 'text/plain', 'application/json'),
    retryAfter: fc.string(),
    location: fc.string({ unit: 'binary' }),
  });
  fc.assert(
    fc.property(anyAnswer, (given) => {
      const read = verdict(given);
      if (read.kind === 'accepted') {
        expect([204, 200, 201, 202]).toContain(given.status);
        if (given.status !== 204) expect(given.body.trim()).toBe('');
        return;
      }
      expect(read.reason.length).toBeLessThanOrEqual(510);
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      expect(read.reason).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      if (read.kind === 'retry' || read.kind === 'halt') expect(read.hint).toMatch(/\w/);
      if (read.kind === 'halt') expect(read.setting).toMatch(/^(loki|labels)\./);
    }),
  );
});

describe('no answer', () => {
  test.each<[LokiRequestErrorCode, string, boolean]>([
    ['loki_unreachable', 'retry', false],
    // A slow line may carry half of it in time.
    ['loki_timeout', 'retry', true],
    ['loki_answer_too_large', 'retry', false],
    ['loki_tls', 'halt', false],
    ['loki_not_http', 'halt', false],
    ['loki_proxy', 'halt', false],
  ])('%s: %s', (code, kind, perhapsSize) => {
    const error = new LokiRequestError(code, 'what happened', { hint: 'do this', setting: 'loki.tls' });
    expect(classifyFailure(error)).toMatchObject({
      kind,
      reason: 'what happened',
      hint: 'do this',
      setting: 'loki.tls',
      ...(kind === 'retry' ? { perhapsSize, ofStream: false } : {}),
    });
  });

  test('a halt names a setting in any case', () => {
    expect(classifyFailure(new LokiRequestError('loki_tls', 'x'))).toMatchObject({ setting: 'loki.url' });
    expect(classifyFailure(new LokiRequestError('loki_unreachable', 'x'))).not.toHaveProperty('setting');
  });
});
