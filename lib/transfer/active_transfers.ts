/**
 * At most one connection works on a transfer. A sender that comes back after a cut is often here before its old
 * connection is known to be dead, so the newer one ends the older.
 * @module
 */
import { type Bytes, toHex } from "../bytes/bytes.ts";
import { deferred } from "../bytes/deferred.ts";
import { StxError } from "../errors.ts";

interface Active {
  readonly abort: () => void;
  readonly ended: Promise<void>;
}

/** The transfers that connections work on at present. */
export class ActiveTransfers {
  readonly #active = new Map<string, Active>();

  /**
   * Resolves when the transfer belongs to the caller, after any other connection that has it was ended. Rejects
   * with `cancelled` if a still newer connection came meanwhile.
   * @param abort ends the caller's connection, when a newer one comes
   * @returns gives the transfer back
   */
  async claim(peer: Bytes, transferId: Bytes, abort: () => void): Promise<() => void> {
    const key = `${toHex(peer)}/${toHex(transferId)}`;
    const { promise: ended, resolve } = deferred<void>();
    const mine: Active = { abort, ended };
    const older = this.#active.get(key);
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
