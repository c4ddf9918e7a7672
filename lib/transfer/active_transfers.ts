/**
 * At most one connection works on a transfer. A sender that comes back after a cut is often here before its old
 * connection is known to be dead, so the newer one ends the older.
 * @module
 */
import { type Bytes, toHex } from "../bytes/bytes.ts";
import { deferred } from "../bytes/deferred.ts";
import { StxError } from "../errors.ts";
import { ManifestBudget } from "./manifest_budget.ts";

interface Active {
  readonly helloNumber: number;
  readonly abort: () => void;
  readonly ended: Promise<void>;
}

/** The transfers that connections work on at present. */
export class ActiveTransfers {
  /** What their lists of names may take of the memory. */
  readonly manifests: ManifestBudget = new ManifestBudget();
  readonly #active = new Map<string, Active>();

  /**
   * Resolves when the transfer belongs to the caller, after an older connection that has it was ended. Rejects
   * with `cancelled`, and ends the caller's connection, if a newer one has it or comes meanwhile.
   * @param helloNumber which of two connections is the newer one. The order of their offers does not say so: somebody on
   * the way could hold back one of a connection that its sender has given up, to end the one that came after it
   * @param abort ends the caller's connection
   * @returns gives the transfer back
   */
  async claim(
    peer: Bytes,
    transferId: Bytes,
    helloNumber: number,
    abort: () => void,
  ): Promise<() => void> {
    const key = `${toHex(peer)}/${toHex(transferId)}`;
    const { promise: ended, resolve } = deferred<void>();
    const mine: Active = { helloNumber, abort, ended };
    const older = this.#active.get(key);
    if (older !== undefined && older.helloNumber > helloNumber) {
      abort();
      throw new StxError("cancelled", "A newer connection works on the transfer");
    }
    this.#active.set(key, mine);
    older?.abort();
    await older?.ended;
    if (this.#active.get(key) !== mine) {
      resolve();
      throw new StxError("cancelled", "A newer connection has taken over the transfer");
    }
    return () => {
      if (this.#active.get(key) === mine) this.#active.delete(key);
      resolve();
    };
  }
}
