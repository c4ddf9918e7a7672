/**
 * A look at a receiver's state file that changes nothing in it.
 * @module
 */
import { SqliteFile } from "./sqlite_file.ts";
import { STATE_LAYOUT } from "./sqlite_state.ts";

/** What a state file holds. */
export interface StateFacts {
  /** The version of its layout; 0 if it is empty. */
  readonly layout: number;
  /** The version that a receiver brings it to. */
  readonly newestLayout: number;
  /** Transfers that can be continued, or are being put in place. */
  readonly unfinishedCount: number;
  readonly finishedCount: number;
}

/**
 * Reads an existing state file whole, as a receiver does at its start, and leaves it and what lies beside it as they are.
 * Throws as `SqliteState` does.
 * @param hasLog whether there is a write-ahead log beside the file, whose changes are then left where they are
 */
export function inspectState(path: string, hasLog: boolean): StateFacts {
  // To close a file without a log that was opened to be written leaves nothing behind; one that was opened to be read
  // leaves an empty log. With a log it is the other way round: to close it would bring its changes into the file.
  const file = new SqliteFile(path, STATE_LAYOUT, hasLog ? "read" : "look");
  try {
    const layout = file.layoutVersion;
    // In words that the indices have, or every row would be read.
    const countOf = (condition: string) => {
      if (layout === 0) return 0;
      const count = file.prepare(`SELECT count(*) AS count FROM transfers WHERE state ${condition} 'done'`);
      return Number(file.guard(() => count.get())!["count"]);
    };
    return {
      layout,
      newestLayout: STATE_LAYOUT.versions.length,
      unfinishedCount: countOf("<>"),
      finishedCount: countOf("="),
    };
  } finally {
    file.close();
  }
}
