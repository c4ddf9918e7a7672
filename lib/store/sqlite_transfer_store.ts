/**
 * The receiver's memory of transfers in a SQLite file, so that it survives a crash: write-ahead log, and every
 * change synchronous and on disk when the call returns.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Bytes } from "../bytes/bytes.ts";
import { codeOf, StxError } from "../errors.ts";
import type { Placement, StoredTransfer, TransferStore } from "../ports.ts";

/** Marks a file as stx's ("stx1" in SQLite's application id) and its layout's version. */
const APPLICATION_ID = 0x73747831;
const SCHEMA_VERSION = 1;
/** How long another process may hold the file before that is an error. */
const BUSY_TIMEOUT_MS = 5_000;

const SCHEMA = `
  CREATE TABLE transfers (
    peer BLOB NOT NULL,
    id BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('receiving', 'committing', 'done')),
    manifest BLOB NOT NULL,
    block_size INTEGER NOT NULL,
    durable INTEGER NOT NULL,
    folder TEXT NOT NULL,
    placement TEXT NOT NULL,
    receipt BLOB NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (peer, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transfers_by_state ON transfers (state) WHERE state <> 'done';
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

interface Row {
  readonly peer: Bytes;
  readonly id: Bytes;
  readonly state: StoredTransfer["state"];
  readonly manifest: Bytes;
  readonly block_size: number;
  readonly durable: number;
  readonly folder: string;
  readonly placement: string;
  readonly receipt: Bytes;
  readonly updated_ms: number;
}

/** See the module's text. */
export class SqliteTransferStore implements TransferStore {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #find: StatementSync;
  readonly #save: StatementSync;
  readonly #saveDurable: StatementSync;

  /**
   * Opens or makes the file. Throws `state_corrupt` if it is not a database of stx or is damaged, `state_busy`
   * if another process holds it, `disk` if it cannot be opened at all.
   */
  constructor(path: string) {
    this.#path = path;
    this.#database = this.#guard(() => new DatabaseSync(path));
    try {
      this.#guard(() => this.#prepareFile());
      const prepare = (sql: string) => this.#guard(() => this.#database.prepare(sql));
      this.#find = prepare("SELECT * FROM transfers WHERE peer = ? AND id = ?");
      this.#save = prepare("INSERT OR REPLACE INTO transfers VALUES (?,?,?,?,?,?,?,?,?,?)");
      this.#saveDurable = prepare(
        "UPDATE transfers SET durable = ?, updated_ms = ? WHERE peer = ? AND id = ?",
      );
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #prepareFile(): void {
    const database = this.#database;
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA trusted_schema = OFF;`);
    const number = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get()!)[0]);
    const applicationId = number("application_id");
    const version = number("user_version");
    const tables = Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!["n"]);
    const isNew = tables === 0 && applicationId === 0 && version === 0;
    if (!isNew && (applicationId !== APPLICATION_ID || version !== SCHEMA_VERSION)) {
      throw new StxError(
        "state_corrupt",
        applicationId === APPLICATION_ID
          ? `The state file ${this.#path} has layout ${version}, this stx knows ${SCHEMA_VERSION}`
          : `The state file ${this.#path} is a database of another program`,
        { hint: this.#wayOut() },
      );
    }
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (isNew) database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    const damage = Object.values(database.prepare("PRAGMA quick_check(1)").get()!)[0];
    if (damage !== "ok") throw this.#corrupt(new Error(String(damage)));
  }

  #wayOut(): string {
    return "name another file with --state, or move this one away: unfinished transfers then start again";
  }

  #corrupt(cause: unknown): StxError {
    return new StxError("state_corrupt", `The state file ${this.#path} is damaged`, {
      hint: this.#wayOut(),
      cause,
    });
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (codeOf(error) !== undefined) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (/malformed|not a database|corrupt|no such (table|column)|has \d+ columns/i.test(text)) {
        throw this.#corrupt(error);
      }
      if (/locked|busy/i.test(text)) {
        throw new StxError("state_busy", `The state file ${this.#path} is in use by another process`, {
          hint: "stop the other receiver, or name another file with --state",
          cause: error,
        });
      }
      if (/full/i.test(text)) {
        throw new StxError("disk_full", `Cannot write the state file ${this.#path}: the disk is full`, {
          cause: error,
        });
      }
      throw new StxError("disk", `Cannot use the state file ${this.#path}: ${text}`, {
        hint: "name another file with --state",
        cause: error,
      });
    }
  }

  /** The row of this peer and id, if there is one. */
  find(peer: Bytes, transferId: Bytes): StoredTransfer | undefined {
    return this.#guard(() => {
      const row = this.#find.get(peer, transferId);
      return row === undefined ? undefined : this.#read(row as unknown as Row);
    });
  }

  /** Writes a transfer whole; it is on disk when the call returns. */
  save(peer: Bytes, transferId: Bytes, transfer: StoredTransfer): void {
    this.#guard(() =>
      this.#save.run(
        peer,
        transferId,
        transfer.state,
        transfer.manifest,
        transfer.blockSizeBytes,
        transfer.durableBytes,
        transfer.folder,
        JSON.stringify(transfer.placement),
        transfer.receipt,
        transfer.updatedMs,
      )
    );
  }

  /** Moves the durable mark of a transfer that exists. */
  saveDurable(peer: Bytes, transferId: Bytes, durableBytes: number, updatedMs: number): void {
    this.#guard(() => this.#saveDurable.run(durableBytes, updatedMs, peer, transferId));
  }

  /** Forgets a transfer. */
  remove(peer: Bytes, transferId: Bytes): void {
    this.#guard(() =>
      this.#database.prepare("DELETE FROM transfers WHERE peer = ? AND id = ?").run(peer, transferId)
    );
  }

  /** Every transfer in one state. */
  list(state: StoredTransfer["state"]): ReturnType<TransferStore["list"]> {
    return this.#guard(() =>
      this.#database.prepare("SELECT * FROM transfers WHERE state = ?").all(state).map((each) => {
        const row = each as unknown as Row;
        return { peer: row.peer, transferId: row.id, transfer: this.#read(row) };
      })
    );
  }

  #read(row: Row): StoredTransfer {
    const placement = this.#readPlacement(row.placement);
    return {
      state: row.state,
      manifest: row.manifest,
      blockSizeBytes: row.block_size,
      durableBytes: row.durable,
      folder: row.folder,
      placement,
      receipt: row.receipt,
      updatedMs: row.updated_ms,
    };
  }

  #readPlacement(text: string): Placement {
    let placement: unknown;
    try {
      placement = JSON.parse(text);
    } catch (error) {
      throw this.#corrupt(error);
    }
    if (!isPlacement(placement)) throw this.#corrupt(new Error(`The placement is ${text}`));
    return placement;
  }

  /** Closes the file. */
  close(): void {
    this.#database.close();
  }
}

function isPlacement(value: unknown): value is Placement {
  if (typeof value !== "object" || value === null || !("topNames" in value) || !("conflict" in value)) {
    return false;
  }
  const { topNames, conflict } = value;
  return typeof topNames === "object" && topNames !== null && !Array.isArray(topNames) &&
    Object.values(topNames).every((name) => typeof name === "string") &&
    ["refuse", "rename", "overwrite", "skip"].includes(conflict as string);
}
