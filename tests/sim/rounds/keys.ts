/**
 * The server's database of keys: as with SQLite, a change is durable when the call returns, or has not happened.
 * @module
 */
import { codeOf, StxError } from "../../../lib/errors.ts";
import type { RoundsKeyStore } from "../../../lib/ports.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { Crashed, type Process } from "../process.ts";
import type { Lineages } from "./lineages.ts";

/** What outlives the server's processes. */
export class KeyDatabase {
  readonly rows: MemoryRoundsKeys = new MemoryRoundsKeys();
  readonly #lineages: Lineages;

  constructor(lineages: Lineages) {
    this.#lineages = lineages;
  }

  /** The database as one process has it open. */
  open(process: Process): RoundsKeyStore {
    const { rows } = this;
    const lineages = this.#lineages;
    return {
      find: (id) => call(process, () => rows.find(id)),
      list: () => call(process, () => rows.list()),
      advance: (id, from, to, root) =>
        call(process, () => {
          const isDone = rows.advance(id, from, to, root);
          if (isDone) lineages.advanced(id, to, root);
          return isDone;
        }),
      enroll: (id, root) =>
        call(process, () => {
          rows.enroll(id, root);
          lineages.enrolled(id, root);
        }),
      revoke: (id) =>
        call(process, () => {
          lineages.revoked(id);
          return rows.revoke(id);
        }),
    };
  }
}

function call<T>(process: Process, work: () => T): T {
  try {
    return process.step("store", work);
  } catch (error) {
    if (error instanceof Crashed || codeOf(error) !== undefined) throw error;
    throw new StxError("disk", "Cannot use the key database", { cause: error });
  }
}
