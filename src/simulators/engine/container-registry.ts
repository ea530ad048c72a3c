import type { SimulatedContainer } from './container.js';

/** The containers of a daemon. */
export class ContainerRegistry {
  readonly #byId = new Map<string, SimulatedContainer>();
  readonly #byName = new Map<string, SimulatedContainer>();

  /** @throws Error when the name is taken by one that is not on its way out */
  add(container: SimulatedContainer): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.name, container);
  }

  /** @throws Error when the name is taken by one that is not on its way out */
  checkName(name: string): void {
    const holder = this.#byName.get(name);
    if (holder !== undefined && holder.state !== 'removing' && holder.state !== 'dead') {
      throw new Error(`the name "/${name}" is in use by container ${holder.id}`);
    }
  }

  rename(container: SimulatedContainer, name: string): void {
    this.checkName(name);
    if (this.#byName.get(container.name) === container) this.#byName.delete(container.name);
    this.#byName.set(name, container);
  }

  delete(container: SimulatedContainer): void {
    this.#byId.delete(container.id);
    if (this.#byName.get(container.name) === container) this.#byName.delete(container.name);
  }

  /** By id, by name, or by the beginning of an id (moby: daemon/container.go, GetContainer). */
  find(idOrName: string): SimulatedContainer | 'none' | 'several' {
    const exact = this.#byId.get(idOrName) ?? this.#byName.get(idOrName.replace(/^\//, ''));
    if (exact !== undefined) return exact;
    let found: SimulatedContainer | undefined;
    for (const [id, container] of this.#byId) {
      if (!id.startsWith(idOrName)) continue;
      if (found !== undefined) return 'several';
      found = container;
    }
    return found ?? 'none';
  }

  /** Youngest first (moby: daemon/list.go, byCreatedDescending). */
  list(): SimulatedContainer[] {
    return [...this.#byId.values()].reverse();
  }
}
