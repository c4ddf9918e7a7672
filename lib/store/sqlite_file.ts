/**
 * A SQLite file of stx's, so that it survives a crash: write-ahead log, and every change synchronous and on disk when
 * the call returns. This opens the file, knows its layout and what its failures mean; the stores over it hold one
 * memory each. Whoever opens a file closes it, for all of them.
 * @module
 */
import { createHash } from "node:crypto";
import process from "node:process";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Bytes } from "../bytes/bytes.ts";
import { codeOf, StxError } from "../errors.ts";

/** How long another process may hold the file before that is an error. */
const BUSY_TIMEOUT_MS = 5_000;

/** What a file is for, and how it is laid out. */
export interface SqliteLayout {
  /** Marks a file as one of this kind, in SQLite's application id. */
  readonly applicationId: number;
  /**
   * What makes each version of the layout out of the one before; the first is made out of an empty file. A file in
   * use has been made by these texts, so none of them may ever change: a new layout is a further one. They may ask for
   * `sha256(bytes)`.
   */
  readonly versions: readonly string[];
  /** How errors name the file. */
  readonly what: string;
  /** The option that names another file. */
  readonly option: string;
  /** What to do about a file that cannot be used as it is. */
  readonly wayOut: string;
  /** Whether what is deleted or replaced must be gone from the file, and from its log. */
  readonly isSecret?: true;
}

/**
 * What a file is opened for: to `use` it, which makes one that is missing and brings it to the newest layout; to `look`
 * at it, changing nothing of it; or to `read` it, so that even what its log holds is left there.
 */
export type SqliteAccess = "use" | "look" | "read";

/** See the module's text. */
export class SqliteFile {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #layout: SqliteLayout;
  #layoutVersion = 0;

  /**
   * Opens or makes the file, and brings one of an older layout to the newest. Throws `state_corrupt` if it is not a
   * database of stx, is of a newer layout, or is damaged; `state_busy` if another process holds it; `permission` if it
   * is to be used and cannot be written; `disk` or `disk_full` if it cannot be opened or made at all. A file that is refused
   * stays as it is.
   */
  constructor(path: string, layout: SqliteLayout, access: SqliteAccess = "use") {
    this.#path = path;
    this.#layout = layout;
    // Asked for here: Node 20 does not have it, and can use the rest of the library.
    const sqlite = process.getBuiltinModule("node:sqlite");
    if (sqlite === undefined) {
      throw new StxError("disk", `Cannot open a ${layout.what}: this runtime has no SQLite`, {
        hint: "Node has it from version 22.13 on",
      });
    }
    this.#database = this.guard(() => new sqlite.DatabaseSync(path, { readOnly: access === "read" }));
    try {
      this.guard(() => this.#prepareFile(access));
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #prepareFile(access: SqliteAccess): void {
    const database = this.#database;
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA trusted_schema = OFF;`);
    const version = this.#readVersion();
    const damage = this.#pragma("quick_check(1)");
    if (damage !== "ok") throw this.corrupt(new Error(String(damage)));
    this.#layoutVersion = version;
    if (access !== "use") return;
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (this.#layout.isSecret) database.exec("PRAGMA secure_delete = ON;");
    this.#requireWritable(version);
    if (version < this.#layout.versions.length) this.transaction(() => this.#migrate());
  }

  /**
   * SQLite opens what it may not write as well, and says so only when something is to be written: so it is tried, and taken
   * back. Where another process is writing just now, nobody waits for it: that will show.
   */
  #requireWritable(version: number): void {
    const database = this.#database;
    database.exec("PRAGMA busy_timeout = 0");
    try {
      database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version};`);
    } catch (error) {
      if (!(error instanceof Error && error.message.includes("is locked"))) throw error;
    } finally {
      if (database.isTransaction) database.exec("ROLLBACK");
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /** The version of the layout that the file was found in; 0 if it was empty. */
  get layoutVersion(): number {
    return this.#layoutVersion;
  }

  /** Makes the newest layout out of what is there, inside a transaction: all of it, or nothing. */
  #migrate(): void {
    this.#database.function("sha256", { deterministic: true }, (bytes) => sha256(bytes as Bytes));
    // Asked again: another process may have been faster.
    for (let version = this.#readVersion(); version < this.#layout.versions.length; version++) {
      this.#database.exec(
        `${
          this.#layout.versions[version]
        } PRAGMA application_id = ${this.#layout.applicationId}; PRAGMA user_version = ${version + 1};`,
      );
    }
  }

  /** The version of the file's layout, 0 if it is empty. Throws if it is none that is known here. */
  #readVersion(): number {
    const applicationId = this.#pragma("application_id");
    const version = Number(this.#pragma("user_version"));
    const { tables } = this.#database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()!;
    if (tables === 0 && applicationId === 0 && version === 0) return 0;
    if (
      applicationId === this.#layout.applicationId && version >= 1 && version <= this.#layout.versions.length
    ) return version;
    throw this.#foreign(applicationId === this.#layout.applicationId ? version : undefined);
  }

  /** The error for a file of another kind, or of a layout that is none of those known here. */
  #foreign(version: number | undefined): StxError {
    const { what, wayOut, versions } = this.#layout;
    const file = `The ${what} ${this.#path}`;
    if (version === undefined) {
      return new StxError("state_corrupt", `${file} is a database of another program`, { hint: wayOut });
    }
    const known = `layout ${version}, this stx knows 1 to ${versions.length}`;
    if (version < 1) return new StxError("state_corrupt", `${file} has ${known}`, { hint: wayOut });
    // Nothing is wrong with it: to go on without it is to lose what it remembers.
    return new StxError("state_corrupt", `${file} was written by a newer stx: it has ${known}`, {
      hint: `use that stx, or ${wayOut}`,
    });
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
   * @param patienceMs how long another process may hold the file; everything else in this one waits meanwhile
   */
  transaction<T>(body: () => T, patienceMs = BUSY_TIMEOUT_MS): T {
    return this.guard(() => {
      this.#database.exec(`PRAGMA busy_timeout = ${patienceMs}`);
      try {
        this.#database.exec("BEGIN IMMEDIATE");
        const result = body();
        this.#database.exec("COMMIT");
        return result;
      } finally {
        this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
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
      if (
        /malformed|not a database|unsupported file format|no such (table|column)|already exists|has no column|has \d+ columns/
          .test(text)
      ) {
        throw this.corrupt(error);
      }
      if (text.includes("is locked")) {
        throw new StxError(
          "state_busy",
          `The ${this.#layout.what} ${this.#path} is in use by another process`,
          {
            hint: `stop the other process, or name another file with ${this.#layout.option}`,
            cause: error,
          },
        );
      }
      if (text.includes("readonly database")) {
        throw new StxError(
          "permission",
          `Cannot write the ${this.#layout.what} ${this.#path}: it, or its folder, is read-only`,
          {
            hint: `make it writable for this user, or name another file with ${this.#layout.option}`,
            cause: error,
          },
        );
      }
      if (text.includes("is full")) {
        throw new StxError(
          "disk_full",
          `Cannot write the ${this.#layout.what} ${this.#path}: the disk is full`,
          {
            cause: error,
          },
        );
      }
      throw new StxError("disk", `Cannot use the ${this.#layout.what} ${this.#path}: ${text}`, {
        // A disk that is full shows itself so where the file is there already, and its log has no room.
        hint: text.includes("disk I/O error")
          ? `see with df and dmesg whether its disk is full or failing, or name another file with ${this.#layout.option}`
          : `name another file with ${this.#layout.option}`,
        cause: error,
      });
    }
  }

  /** The error for content that stx has not written like that. */
  corrupt(cause: unknown): StxError {
    return new StxError("state_corrupt", `The ${this.#layout.what} ${this.#path} is damaged`, {
      hint: this.#layout.wayOut,
      cause,
    });
  }

  /** Empties the write-ahead log into the file, so that nothing is left there of what was deleted. */
  truncateLog(): void {
    this.guard(() => {
      // A reader that holds the file must not hold everything else: the next change empties the log then.
      this.#database.exec("PRAGMA busy_timeout = 0");
      try {
        this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } finally {
        this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      }
    });
  }

  /** Closes the file; no store over it can be asked afterwards. */
  close(): void {
    this.#database.close();
  }
}

function sha256(bytes: Bytes): Bytes {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
