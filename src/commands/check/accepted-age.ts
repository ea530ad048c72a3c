import { readLokiFacts } from '../../audit/loki-facts.js';
import type { Config } from '../../config/schema.js';
import { createTransport } from '../../loki/transport.js';
import { NS_PER_MS, type Nanoseconds } from '../../model/nanoseconds.js';
import { PollardError } from '../../model/errors.js';
import { lokiSettings } from '../wiring/loki-settings.js';

/** How old a line may be for Loki to accept it. */
export interface AcceptedAge {
  /** ns; undefined: as old as can be. */
  readonly age: Nanoseconds | undefined;
  /** Whether Loki itself says so; else `loki.limits.max_age` does. */
  readonly isLokis: boolean;
}

/** Asks Loki for its limit; where it does not tell (gateways seldom let that through), the setting is taken. */
export async function acceptedAge(config: Config, signal: AbortSignal): Promise<AcceptedAge> {
  const assumed = { age: BigInt(config.loki.limits.max_age) * NS_PER_MS, isLokis: false };
  try {
    const transport = await createTransport(lokiSettings(config));
    try {
      const { acceptsFor } = await readLokiFacts(transport, signal);
      if (acceptsFor === undefined) return assumed;
      return { age: acceptsFor === 'ever' ? undefined : acceptsFor, isLokis: true };
    } finally {
      await transport.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    // What is wrong with Loki is said where it is checked.
    if (!(error instanceof PollardError)) throw error;
    return assumed;
  }
}
