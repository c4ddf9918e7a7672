/**
 * A receiver's memory of its senders' changes of identity, in its state file.
 * @module
 */
import type { StatementSync } from "node:sqlite";
import type { Bytes } from "../bytes/bytes.ts";
import type { KnownRotation, RotationStore } from "../ports.ts";
import type { SqliteState } from "./sqlite_state.ts";

interface Row {
  readonly old_key: Bytes;
  readonly new_key: Bytes;
  readonly statement: Bytes;
  readonly is_complete: number;
}

/** See the module's text. */
export class SqliteRotationStore implements RotationStore {
  readonly #state: SqliteState;
  readonly #save: StatementSync;
  readonly #list: StatementSync;

  /** Throws `state_corrupt` if the state lacks what it needs. */
  constructor(state: SqliteState) {
    this.#state = state;
    this.#save = state.prepare("INSERT OR REPLACE INTO rotations VALUES (?, ?, ?, ?)");
    this.#list = state.prepare("SELECT * FROM rotations");
  }

  /** Writes a change, in place of one with the same old key; it is on disk when the call returns. */
  save(rotation: KnownRotation): void {
    const { oldKey, newKey, statement, isComplete } = rotation;
    this.#state.guard(() => this.#save.run(oldKey, newKey, statement, Number(isComplete)));
  }

  /** Every change. */
  list(): readonly KnownRotation[] {
    return this.#state.guard(() =>
      this.#list.all().map((each) => {
        const row = each as unknown as Row;
        return {
          oldKey: row.old_key,
          newKey: row.new_key,
          statement: row.statement,
          isComplete: row.is_complete !== 0,
        };
      })
    );
  }
}
