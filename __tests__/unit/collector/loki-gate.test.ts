import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { LokiAway, LokiGate } from '../../../src/collector/loki-gate.js';
import { settle } from '../../support/manual-clock.js';

const never = new AbortController().signal;
const aborted = async (signal: AbortSignal): Promise<unknown> => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return signal.reason;
};

describe('the gate before the Engine', () => {
  test('is open at first: nobody waits', async () => {
    const gate = new LokiGate(1000);
    expect(gate.isOpen).toBe(true);
    await gate.opened(never);
  });

  test('closed for longer than the grace, it ends the reading; open again, there is a new one', async () => {
    const gate = new LokiGate(5);
    const before = gate.reading;
    gate.close();
    gate.close();
    expect(gate.isOpen).toBe(false);
    expect(before.aborted).toBe(false);
    expect(await aborted(before)).toBeInstanceOf(LokiAway);
    // Who comes while it is closed does not read either.
    expect(gate.reading.aborted).toBe(true);
    gate.open();
    gate.open();
    expect(gate.reading.aborted).toBe(false);
    const second = gate.reading;
    gate.close();
    expect(await aborted(second)).toBeInstanceOf(LokiAway);
  });

  test('ended, it leaves no timer', async () => {
    const gate = new LokiGate(5);
    const { reading } = gate;
    gate.close();
    gate.end();
    await delay(40);
    expect(reading.aborted).toBe(false);
  });

  test('open again within the grace, the reading goes on', async () => {
    const gate = new LokiGate(10);
    const { reading } = gate;
    gate.close();
    gate.open();
    await delay(40);
    expect(reading.aborted).toBe(false);
    expect(gate.reading).toBe(reading);
  });

  test('all who wait go on when it opens, or when they are stopped, and leave nothing behind', async () => {
    const gate = new LokiGate(1000);
    gate.close();
    const stop = new AbortController();
    const passed: string[] = [];
    void gate.opened(never).then(() => passed.push('first'));
    void gate.opened(stop.signal).then(() => passed.push('stopped'));
    void gate.opened(never).then(() => passed.push('second'));
    await settle();
    expect(passed).toEqual([]);
    stop.abort();
    await settle();
    expect(passed).toEqual(['stopped']);
    gate.open();
    await settle();
    expect(passed.sort()).toEqual(['first', 'second', 'stopped']);
    expect(getEventListeners(never, 'abort')).toHaveLength(0);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
    gate.close();
    await gate.opened(stop.signal);
    gate.open();
  });

  test('closed again before the waiting one looks, it waits on', async () => {
    const gate = new LokiGate(1000);
    gate.close();
    let passed = false;
    const waiting = gate.opened(never).then(() => (passed = true));
    gate.open();
    gate.close();
    await settle();
    expect(passed).toBe(false);
    gate.open();
    await waiting;
  });
});
