/**
 * Folders of files, for scripts that send them: made from random bytes, listed, compared.
 * @module
 */
import { randomFillSync } from "node:crypto";
import { sha256OfFile } from "./checksums.ts";

const CHUNK_SIZE = 1024 * 1024;

/** Writes a file of `sizeBytes` random bytes. */
export function writeRandomFile(path: string, sizeBytes: number): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  const chunk = new Uint8Array(Math.min(CHUNK_SIZE, sizeBytes));
  for (let left = sizeBytes; left > 0;) {
    const part = chunk.subarray(0, Math.min(chunk.length, left));
    randomFillSync(part);
    let written = 0;
    while (written < part.length) written += file.writeSync(part.subarray(written));
    left -= part.length;
  }
}

/** The files below `path` and their sizes, by their paths from there; a file itself is named "". */
export function filesBelow(
  path: string,
  from = "",
): readonly { readonly path: string; readonly sizeBytes: number }[] {
  const stat = Deno.lstatSync(path);
  if (stat.isFile) return [{ path: from, sizeBytes: stat.size }];
  if (!stat.isDirectory) return [];
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort()
    .flatMap((name) => filesBelow(`${path}/${name}`, from === "" ? name : `${from}/${name}`));
}

/** Says which files below `left` are absent below `right` or differ there by SHA-256. */
export function differences(left: string, right: string): readonly string[] {
  return filesBelow(left).map((file) => file.path).filter((path) => {
    const suffix = path === "" ? "" : `/${path}`;
    try {
      return sha256OfFile(left + suffix) !== sha256OfFile(right + suffix);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      throw error;
    }
  });
}
