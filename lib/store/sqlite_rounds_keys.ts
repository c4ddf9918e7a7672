/**
 * A rounds server's keys in a SQLite file of their own, which nobody but its owner may read. A root that was replaced
 * is overwritten in the file, and the write-ahead log is emptied: whoever takes the file learns nothing of epochs
 * before. While another program reads the file, as a backup does, the log keeps what it has; the next change after
 * that empties it.
 * @module
 */
import { closeSync, openSync } from "node:fs";
import type { StatementSync } from "node:sqlite";
import { type Bytes, equal } from "../bytes/bytes.ts";
import type { RoundsKeyStore } from "../ports.ts";
import { SqliteFile, type SqliteLayout } from "./sqlite_file.ts";

const LAYOUT: SqliteLayout = {
  // "stxr"
  applicationId: 0x73747872,
  versions: [
    `
    CREATE TABLE clients (
      id TEXT NOT NULL PRIMARY KEY,
      epoch INTEGER NOT NULL,
      root BLOB NOT NULL CHECK (length(root) = 32)
    ) STRICT, WITHOUT ROWID;
  `,
  ],
  what: "key database",
  option: "--keys",
  wayOut: "name another file with --keys, or move this one away and enrol every client again",
  isSecret: true,
};

/** How long another process may hold the file: every session waits meanwhile. */
const PATIENCE_MS = 1_000;

/** See the module's text. */
export class SqliteRoundsKeys implements RoundsKeyStore {
  readonly #file: SqliteFile;
  readonly #find: StatementSync;
  readonly #advance: StatementSync;

  /** Opens or makes the file; what is thrown is as with {@link SqliteFile}. */
  constructor(path: string) {
    makePrivate(path);
    this.#file = new SqliteFile(path, LAYOUT);
    try {
      // A process that was killed behind a change has not come to this.
      this.#file.truncateLog();
      this.#find = this.#file.prepare("SELECT root, epoch FROM clients WHERE id = ?");
      this.#advance = this.#file.prepare("UPDATE clients SET epoch = ?, root = ? WHERE id = ?");
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /** The root and epoch of a client. */
  find(id: string): { readonly root: Bytes; readonly epoch: number } | undefined {
    return this.#file.guard(() => {
      const row = this.#find.get(id);
      return row === undefined ? undefined : { root: row["root"] as Bytes, epoch: row["epoch"] as number };
    });
  }

  /** Goes on to another epoch. */
  advance(id: string, from: Bytes, to: number, root: Bytes): boolean {
    return this.#change(() => {
      const known = this.find(id);
      // Compared here: SQLite would keep what it is given to compare with, and nobody could overwrite that.
      const isCurrent = known !== undefined && equal(known.root, from);
      known?.root.fill(0);
      return isCurrent && this.#advance.run(to, root, id).changes === 1;
    });
  }

  /** Enrols a client. */
  enroll(id: string, root: Bytes): void {
    this.#change(() => this.#file.prepare("INSERT OR REPLACE INTO clients VALUES (?, 0, ?)").run(id, root));
  }

  /** Forgets a client. */
  revoke(id: string): boolean {
    return this.#change(() => this.#file.prepare("DELETE FROM clients WHERE id = ?").run(id).changes === 1);
  }

  /** Every client's name and epoch. */
  list(): readonly { readonly id: string; readonly epoch: number }[] {
    return this.#file.guard(() =>
      this.#file.prepare("SELECT id, epoch FROM clients ORDER BY id").all().map((row) => ({
        id: row["id"] as string,
        epoch: row["epoch"] as number,
      }))
    );
  }

  #change<T>(body: () => T): T {
    const result = this.#file.transaction(body, PATIENCE_MS);
    this.#file.truncateLog();
    return result;
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }
}

/** Makes the file, if there is none, before SQLite does with everybody's permissions. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch {
    // It is there, or cannot be made, which opening it will say better.
  }
}
