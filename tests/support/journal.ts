/**
 * What a receiver that is not running any more has promised: its journal, read as the next one will read it.
 * @module
 */
import { SqliteState } from "../../lib/store/sqlite_state.ts";
import { SqliteTransferStore } from "../../lib/store/sqlite_transfer_store.ts";
import type { Person } from "./stage.ts";

/** The bytes of the one unfinished transfer that its receiver took for durable. */
export function durableBytesOf(receiver: Person): number {
  const state = new SqliteState(`${receiver.home}/state/stx/recv.db`);
  try {
    const unfinished = new SqliteTransferStore(state).list("receiving");
    if (unfinished.length !== 1) throw new Error(`${unfinished.length} transfers are unfinished, expected 1`);
    return unfinished[0]!.transfer.durableBytes;
  } finally {
    state.close();
  }
}
