/**
 * State files as the first version of stx made them, in its own words: they are in use, so this never changes.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import type { StoredTransfer } from "../../../lib/ports.ts";
import { ID, MANIFEST, OTHER_ID, OTHER_PEER, PEER, TRANSFER } from "./rows.ts";

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
  PRAGMA application_id = 1937012785;
  PRAGMA user_version = 1;
`;

const OTHER = Uint8Array.of(9, 9);
const OF_OTHER = { ...TRANSFER, manifestSizeBytes: OTHER.length, manifestDigest: sha256(OTHER) };

/** The transfers in such a file, each with its manifest, which stood in its row. */
export const OLD_ROWS: readonly (readonly [
  peer: Bytes,
  id: Bytes,
  transfer: StoredTransfer,
  manifest: Bytes,
])[] = [
  [PEER, ID, TRANSFER, MANIFEST],
  [PEER, OTHER_ID, { ...OF_OTHER, state: "committing" }, OTHER],
  [OTHER_PEER, ID, { ...TRANSFER, state: "done", receipt: Uint8Array.of(1, 2, 3) }, MANIFEST],
];

/** Makes such a file. */
export function writeVersion1(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    const save = database.prepare("INSERT OR REPLACE INTO transfers VALUES (?,?,?,?,?,?,?,?,?,?)");
    for (const [peer, id, transfer, manifest] of OLD_ROWS) {
      save.run(
        peer,
        id,
        transfer.state,
        manifest,
        transfer.blockSizeBytes,
        transfer.durableBytes,
        transfer.folder,
        JSON.stringify(transfer.placement),
        transfer.receipt,
        transfer.updatedMs,
      );
    }
  } finally {
    database.close();
  }
}
