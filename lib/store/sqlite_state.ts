/**
 * The receiver's state in one SQLite file, so that it survives a crash: write-ahead log, and every change
 * synchronous and on disk when the call returns. This opens the file and knows how it is laid out and what its
 * failures mean; the stores over it (`sqlite_*_store.ts`) hold one memory each. Whoever opens the state closes it,
 * and with it the file for all of them.
 * @module
 */
import process from "node:process";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { codeOf, StxError } from "../errors.ts";

/** Marks a file as stx's ("stx1" in SQLite's application id). */
const APPLICATION_ID = 0x73747831;
/** How long another process may hold the file before that is an error. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * What makes each version of the layout out of the one before; the first is made out of an empty file. A file in use
 * has been made by these texts, so none of them may ever change: a new layout is a further one.
 */
const LAYOUTS: readonly string[] = [
  `
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
  `,
  `
    CREATE TABLE nonces (
      nonce BLOB NOT NULL PRIMARY KEY,
      expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX nonces_by_expiry ON nonces (expires_ms);
    CREATE TABLE rotations (
      old_key BLOB NOT NULL PRIMARY KEY,
      new_key BLOB NOT NULL,
      statement BLOB NOT NULL,
      is_complete INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
];

/** See the module's text. */
export class SqliteState {
  readonly #database: DatabaseSync;
  readonly #path: string;

  /**
   * Opens or makes the file, and brings one of an older layout to the newest. Throws `state_corrupt` if it is not a
   * database of stx, is of a newer layout, or is damaged; `state_busy` if another process holds it; `disk` or
   * `disk_full` if it cannot be opened or made at all. A file that is refused stays as it is.
   */
  constructor(path: string) {
    this.#path = path;
    // Asked for here: Node 20 does not have it, and can use the rest of the library.
    const sqlite = process.getBuiltinModule("node:sqlite");
    if (sqlite === undefined) {
      throw new StxError("disk", "Cannot open a state file: this runtime has no SQLite", {
        hint: "Node has it from version 22.13 on",
      });
    }
    this.#database = this.guard(() => new sqlite.DatabaseSync(path));
    try {
      this.guard(() => this.#prepareFile());
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #prepareFile(): void {
    const database = this.#database;
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA trusted_schema = OFF;`);
    const version = this.#readVersion();
    const damage = this.#pragma("quick_check(1)");
    if (damage !== "ok") throw this.corrupt(new Error(String(damage)));
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (version < LAYOUTS.length) this.transaction(() => this.#migrate());
  }

  /** Makes the newest layout out of what is there, inside a transaction: all of it, or nothing. */
  #migrate(): void {
    // Asked again: another process may have been faster.
    for (let version = this.#readVersion(); version < LAYOUTS.length; version++) {
      this.#database.exec(`${LAYOUTS[version]} PRAGMA user_version = ${version + 1};`);
    }
  }

  /** The version of the file's layout, 0 if it is empty. Throws if it is none that is known here. */
  #readVersion(): number {
    const applicationId = this.#pragma("application_id");
    const version = Number(this.#pragma("user_version"));
    const { tables } = this.#database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()!;
    if (tables === 0 && applicationId === 0 && version === 0) return 0;
    if (applicationId === APPLICATION_ID && version >= 1 && version <= LAYOUTS.length) return version;
    throw new StxError(
      "state_corrupt",
      applicationId === APPLICATION_ID
        ? `The state file ${this.#path} has layout ${version}, this stx knows 1 to ${LAYOUTS.length}`
        : `The state file ${this.#path} is a database of another program`,
      { hint: WAY_OUT },
    );
  }

  /** The one value that a pragma answers with. */
  #pragma(pragma: string): unknown {
    return Object.values(this.#database.prepare(`PRAGMA ${pragma}`).get()!)[0];
  }

  /** Compiles a statement. Throws `state_corrupt` if the file lacks what it asks for. */
  prepare(sql: string): StatementSync {
    return this.guard(() => this.#database.prepare(sql));
  }

  /**
   * Runs `body` as one change to the file, alone among all processes: when this returns, all of it is on disk; if
   * anything is thrown, none of it is done. Not to be called inside itself.
   */
  transaction<T>(body: () => T): T {
    return this.guard(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = body();
        this.#database.exec("COMMIT");
        return result;
      } finally {
        // SQLite itself has ended it after some failures, as when the disk is full.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      }
    });
  }

  /** Runs `body`, and turns what SQLite throws into an {@link StxError} that names the file. */
  guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (codeOf(error) !== undefined) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (/malformed|not a database|no such (table|column)|already exists|has \d+ columns/.test(text)) {
        throw this.corrupt(error);
      }
      if (text.includes("is locked")) {
        throw new StxError("state_busy", `The state file ${this.#path} is in use by another process`, {
          hint: "stop the other receiver, or name another file with --state",
          cause: error,
        });
      }
      if (text.includes("is full")) {
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

  /** The error for content that stx has not written like that. */
  corrupt(cause: unknown): StxError {
    return new StxError("state_corrupt", `The state file ${this.#path} is damaged`, { hint: WAY_OUT, cause });
  }

  /** Closes the file; no store over it can be asked afterwards. */
  close(): void {
    this.#database.close();
  }
}

/** What to do about a file that cannot be used as it is. */
const WAY_OUT =
  "name another file with --state, or move this one away: unfinished transfers then start again";
