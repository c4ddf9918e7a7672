/**
 * A server's memory of the nonces that have opened a session, in its state file.
 * @module
 */
import type { StatementSync } from "node:sqlite";
import type { Bytes } from "../bytes/bytes.ts";
import type { NonceStore } from "../ports.ts";
import type { SqliteState } from "./sqlite_state.ts";

/** How long another process may hold the file: a sender that fails for it tries again, and the others wait no longer. */
const PATIENCE_MS = 1_000;

/** See the module's text. Of several processes that claim one nonce in the same file, one succeeds. */
export class SqliteNonceStore implements NonceStore {
  readonly #state: SqliteState;
  readonly #forget: StatementSync;
  readonly #claim: StatementSync;

  /** Throws `state_corrupt` if the state lacks what it needs. */
  constructor(state: SqliteState) {
    this.#state = state;
    this.#forget = state.prepare("DELETE FROM nonces WHERE expires_ms < ?");
    this.#claim = state.prepare("INSERT INTO nonces VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING");
  }

  /**
   * Claims a nonce, and forgets those that expired before `nowMs`: an index leads to them, so those that stay cost
   * nothing. It is on disk when the call returns; throws `state_busy`, `disk` or `disk_full` if that cannot be.
   */
  claim(nonce: Bytes, expiresMs: number, nowMs: number): boolean {
    // Both as one change, so that the disk is waited for once.
    return this.#state.transaction(() => {
      this.#forget.run(nowMs);
      return this.#claim.run(nonce, expiresMs).changes === 1;
    }, PATIENCE_MS);
  }
}
