/**
 * What must hold before something of a transfer gets a name in the receiving folder.
 * @module
 */
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import type { ConflictPolicy, Entry } from "../ports.ts";
import { findUnreal, parentOf } from "./inspect.ts";
import { OWN_PREFIX } from "./private_folder.ts";

/** An empty part, `.` or `..` at any place of a path. */
const ESCAPING_PART = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** See the module's text. */
export class PlacementRules {
  /** Throws `bad_name` for a path that would lead out of the folder, or to where partial transfers wait. */
  checkInside(entries: readonly Entry[]): void {
    for (const { path } of entries) {
      const first = path.split("/", 1)[0]!;
      if (ESCAPING_PART.test(path) || folded(first).startsWith(OWN_PREFIX)) {
        throw new StxError(
          "bad_name",
          `Cannot receive "${escapeControls(path)}": it does not lie in the folder`,
        );
      }
    }
  }

  /** Throws `exists` for a name that is taken where the policy does not say what happens to what has it. */
  checkTaken(path: string, conflict: ConflictPolicy): void {
    if (conflict === "overwrite" || conflict === "skip") return;
    throw taken(path, "the name is already taken");
  }

  /** Throws `exists` where a folder would meet something else, or the reverse; a symbolic link is no folder. */
  checkKind(entry: Entry, target: Deno.FileInfo, path: string): void {
    if (entry.kind === "directory" && !target.isDirectory) {
      throw taken(path, "what has this name is not a folder");
    }
    if (entry.kind === "file" && target.isDirectory) throw taken(path, "a folder has this name");
  }

  /** Throws `exists` where a symbolic link stands among the folders above `path`, which is relative to `root`. */
  checkWay(root: string, path: string): void {
    if (findUnreal(root, parentOf(path)) === undefined) return;
    throw taken(path, "it would lead through a symbolic link");
  }
}

/** Two names that many file systems take for one. */
export function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** The error for a name that cannot be used. */
export function taken(path: string, why: string): StxError {
  return new StxError("exists", `Cannot receive "${escapeControls(path)}": ${why}`, {
    hint: "Move it out of the way, or choose with --on-conflict what happens to it.",
  });
}
