/**
 * The receiver's state: transfers, nonces of sessions, and changes of senders' keys. The stores over it
 * (`sqlite_*_store.ts`) hold one memory each.
 * @module
 */
import { SqliteFile, type SqliteLayout } from "./sqlite_file.ts";

const VERSIONS: readonly string[] = [
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
  "CREATE INDEX transfers_finished ON transfers (updated_ms) WHERE state = 'done';",
  // SQLite writes a row whole, so what is large and stays must not stand in one that changes every two seconds. A list
  // that an older stx has written is one part, whatever its size.
  `
    CREATE TABLE manifests (
      peer BLOB NOT NULL,
      id BLOB NOT NULL,
      part INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (peer, id, part)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO manifests SELECT peer, id, 0, manifest FROM transfers;
    ALTER TABLE transfers ADD COLUMN manifest_size INTEGER NOT NULL DEFAULT 0;
    UPDATE transfers SET manifest_size = length(manifest), manifest = sha256(manifest);
    ALTER TABLE transfers RENAME COLUMN manifest TO manifest_digest;
    CREATE INDEX transfers_finished_by_peer ON transfers (peer, updated_ms, manifest_size) WHERE state = 'done';
  `,
];

/** How the state file is laid out. */
export const STATE_LAYOUT: SqliteLayout = {
  // "stx1"
  applicationId: 0x73747831,
  versions: VERSIONS,
  what: "state file",
  option: "--state",
  wayOut:
    "name another file with --state, or move this one away: unfinished transfers then start again, and changes of " +
    "senders' keys are forgotten",
};

/** The receiver's state in one file. */
export class SqliteState extends SqliteFile {
  /**
   * Opens or makes the file, and brings one of an older layout to the newest. Throws `state_corrupt` if it is not a
   * database of stx, is of a newer layout, or is damaged; `state_busy` if another process holds it; `disk` or
   * `disk_full` if it cannot be opened or made at all. A file that is refused stays as it is.
   */
  constructor(path: string) {
    super(path, STATE_LAYOUT);
  }
}
