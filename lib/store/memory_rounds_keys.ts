/**
 * A rounds server's keys, for as long as the process runs.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import type { RoundsKeyStore } from "../ports.ts";

/** See the module's text. */
export class MemoryRoundsKeys implements RoundsKeyStore {
  readonly #clients = new Map<string, { root: Bytes; epoch: number }>();

  /** The root and epoch of a client. */
  find(id: string): { readonly root: Bytes; readonly epoch: number } | undefined {
    const client = this.#clients.get(id);
    return client === undefined ? undefined : { root: client.root.slice(), epoch: client.epoch };
  }

  /** Goes on to another epoch. */
  advance(id: string, from: Bytes, to: number, root: Bytes): boolean {
    const client = this.#clients.get(id);
    if (client === undefined || !equal(client.root, from)) return false;
    client.root.fill(0);
    this.#clients.set(id, { root: root.slice(), epoch: to });
    return true;
  }

  /** Enrols a client. */
  enroll(id: string, root: Bytes): void {
    this.revoke(id);
    this.#clients.set(id, { root: root.slice(), epoch: 0 });
  }

  /** Forgets a client. */
  revoke(id: string): boolean {
    this.#clients.get(id)?.root.fill(0);
    return this.#clients.delete(id);
  }

  /** Every client's name and epoch. */
  list(): readonly { readonly id: string; readonly epoch: number }[] {
    return [...this.#clients].map(([id, { epoch }]) => ({ id, epoch })).sort((a, b) => a.id < b.id ? -1 : 1);
  }
}
