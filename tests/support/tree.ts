/**
 * Folders as plain values, so that a test compares what was sent with what arrived in one assertion.
 * @module
 */
import { createHash } from "node:crypto";

/** What a transfer preserves of one file or folder. */
export interface TreeItem {
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly sizeBytes: number;
  readonly mode: number;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
  /** SHA-256 of a file's content in hexadecimal. */
  readonly sha256: string;
}

/** `path` and all below it, in order; `path` itself goes by the name "". */
export function tree(path: string): readonly TreeItem[] {
  const items: TreeItem[] = [];
  const add = (local: string, name: string): void => {
    const info = Deno.lstatSync(local);
    items.push({
      path: name,
      kind: info.isSymlink ? "symlink" : info.isDirectory ? "directory" : "file",
      sizeBytes: info.isFile ? info.size : 0,
      mode: info.mode! & 0o7777,
      mtimeMs: info.mtime!.getTime(),
      sha256: info.isFile ? sha256(local) : "",
    });
    if (info.isDirectory) names(local).forEach((each) => add(`${local}/${each}`, `${name}/${each}`));
  };
  add(path, "");
  return items;
}

/** The names in a folder, in order. */
export function names(folder: string): readonly string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

/** SHA-256 of a file in hexadecimal. */
export function sha256(path: string): string {
  return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
}
