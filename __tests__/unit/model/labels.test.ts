import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sanitizeLabelName } from '../../../src/model/labels.js';

describe('label names', () => {
  test.each([
    ['com.docker.compose.service', 'com_docker_compose_service'],
    ['9lives', '_9lives'],
    ['', '_'],
    ['ok_Name9', 'ok_Name9'],
    ['ü😀', '__'],
  ])('%j becomes %j', (text, name) => {
    expect(sanitizeLabelName(text)).toBe(name);
  });

  test('any text becomes a name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(sanitizeLabelName(text)).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
      }),
    );
  });
});
