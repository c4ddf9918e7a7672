/** State files for the tests of the stores, and what is asked of all of them. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

/** Runs `body` with the path of a state file that does not exist yet. */
export function withPath(body: (path: string) => Promise<void> | void): Promise<void> {
  return withTempFolder((folder) => body(`${folder}/state`));
}

/** Opens the file as stx does, and closes it after `body`. */
export function withState<T>(path: string, body: (state: SqliteState) => T): T {
  const state = new SqliteState(path);
  try {
    return body(state);
  } finally {
    state.close();
  }
}

/** Opens the file as any SQLite program does, and closes it after `body`. */
export function withDatabase<T>(path: string, body: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return body(database);
  } finally {
    database.close();
  }
}

/** Changes a file by hand. */
export function change(path: string, sql: string): void {
  withDatabase(path, (database) => database.exec(sql));
}

/** What makes a file's tables and indexes, in words and single spaces. */
export function schemaOf(path: string): readonly string[] {
  return withDatabase(
    path,
    (database) =>
      database.prepare("SELECT sql FROM sqlite_schema ORDER BY name").all()
        .map(({ sql }) => String(sql).replace(/\s+/g, " ")),
  );
}

/** How many rows a table has. */
export function countOf(path: string, table: string): unknown {
  return withDatabase(path, (database) => database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!["n"]);
}

/** Asserts that `body` fails with this code, names the file and says what to do. */
export function fails(
  body: () => unknown,
  code: ErrorCode,
  path: string,
  message: RegExp,
  hint: RegExp,
): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof StxError, String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(path), error.message);
    assert.match(error.message, message);
    assert.match(error.hint ?? "", hint);
    return true;
  });
}

/** Runs `body`; calls `action` whenever SQLite is about to be told exactly `sql`, by whichever connection. */
export function whenTold(sql: string, action: () => void, body: () => void): void {
  const original = DatabaseSync.prototype.exec;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, text) {
    if (text === sql) action();
    original.call(this, text);
  };
  try {
    body();
  } finally {
    DatabaseSync.prototype.exec = original;
  }
}
