import type { Clock } from '../../model/clock.js';
import { Distributor } from './distributor.js';
import { DEFAULT_LIMITS, type LokiLimits, type LokiVersion } from './limits.js';
import { LogStore } from './log-store.js';
import { Messages } from './messages.js';

export interface TenantsOptions {
  readonly clock: Clock;
  readonly version: LokiVersion;
  readonly limits: Partial<LokiLimits>;
  /** Overrides by tenant. */
  readonly tenantLimits: Readonly<Record<string, Partial<LokiLimits>>>;
}

export interface Tenant {
  readonly limits: LokiLimits;
  readonly store: LogStore;
  readonly distributor: Distributor;
}

/** All tenants that were heard of. */
export class Tenants {
  readonly #options: TenantsOptions;
  readonly #tenants = new Map<string, Tenant>();

  constructor(options: TenantsOptions) {
    this.#options = options;
  }

  limitsOf(tenant: string): LokiLimits {
    return { ...DEFAULT_LIMITS, ...this.#options.limits, ...this.#options.tenantLimits[tenant] };
  }

  get(name: string): Tenant {
    const known = this.#tenants.get(name);
    if (known !== undefined) return known;
    const { clock, version } = this.#options;
    const limits = this.limitsOf(name);
    const metadataCounts = version === '3.7';
    const { headBlockBytes: blockBytes, chunkTargetBytes: targetBytes } = limits;
    const store = new LogStore({ blockBytes, targetBytes, metadataCounts });
    const messages = new Messages(version);
    const distributor = new Distributor({ tenant: name, clock, limits, messages, store, metadataCounts });
    const tenant = { limits, store, distributor };
    this.#tenants.set(name, tenant);
    return tenant;
  }

  all(): Iterable<readonly [string, Tenant]> {
    return this.#tenants;
  }
}
