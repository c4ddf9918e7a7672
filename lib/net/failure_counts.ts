/**
 * How often something failed, by the client in whose name it came and by the way in which it did.
 * @module
 */
import type { ProtocolErrorKind } from "../rounds/errors.ts";

/** How a packet was wrong; "other" for what failed on this side, such as the memory of keys. */
export type FailureKind = ProtocolErrorKind | "other";

/** One count. */
export interface FailureCount {
  /** The client, whether it was itself or somebody in its name; `undefined` for whoever is not enrolled. */
  readonly client: string | undefined;
  readonly kind: FailureKind;
  readonly count: number;
}

/** See the module's text. It grows with the clients that are given, so strangers' names are none. */
export class FailureCounts {
  readonly #counts = new Map<string | undefined, Map<FailureKind, number>>();

  /** Counts one; returns how many there are. */
  add(client: string | undefined, kind: FailureKind): number {
    const kinds = this.#counts.get(client) ?? new Map<FailureKind, number>();
    this.#counts.set(client, kinds);
    const count = (kinds.get(kind) ?? 0) + 1;
    kinds.set(kind, count);
    return count;
  }

  /** Every count that is not 0, a client's together. */
  list(): readonly FailureCount[] {
    return [...this.#counts].flatMap(([client, kinds]) =>
      [...kinds].map(([kind, count]) => ({ client, kind, count }))
    );
  }
}
