import { describe, expect, test } from '@jest/globals';
import { Closers } from '../../../../src/commands/wiring/closers.js';

describe('what was opened', () => {
  test('is given back once, the last first, each waited for', async () => {
    const told: string[] = [];
    const held = new Closers();
    held.add(() => void told.push('lock'));
    held.add(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      told.push('file');
    });
    held.add(() => void told.push('page'));
    await held.close();
    await held.close();
    expect(told).toEqual(['page', 'file', 'lock']);
  });

  test('all of it, also when some cannot be: the first failure is told', async () => {
    const told: string[] = [];
    const held = new Closers();
    held.add(() => void told.push('lock'));
    held.add(() => {
      throw new Error('the file');
    });
    held.add(() => Promise.reject(new Error('the page')));
    await expect(held.close()).rejects.toThrow('the page');
    expect(told).toEqual(['lock']);
  });

  test('behind another failure it is silent', async () => {
    const held = new Closers();
    held.add(() => Promise.reject(new Error('the page')));
    await held.abandon();
  });
});
