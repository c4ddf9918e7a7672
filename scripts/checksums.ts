/**
 * The digests of what is built, in the format of `sha256sum`.
 * @module
 */
import { createHash } from "node:crypto";

/** SHA-256 of a file's content, in lower-case hexadecimal. */
export function sha256OfFile(path: string): string {
  const hash = createHash("sha256");
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(1024 * 1024);
  for (;;) {
    const size = file.readSync(buffer);
    if (size === null) return hash.digest("hex");
    hash.update(buffer.subarray(0, size));
  }
}

/** Removes `SHA256SUMS` from `folder`: what it says is about to change. */
export function removeChecksums(folder: string): void {
  try {
    Deno.removeSync(`${folder}/SHA256SUMS`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Writes `SHA256SUMS` in `folder`, with a line for each file there whose name begins with `stx`, in order. */
export function writeChecksums(folder: string): void {
  const names = [...Deno.readDirSync(folder)].filter((entry) => entry.isFile && entry.name.startsWith("stx"))
    .map((entry) => entry.name).sort();
  const lines = names.map((name) => `${sha256OfFile(`${folder}/${name}`)}  ${name}\n`);
  Deno.writeTextFileSync(`${folder}/SHA256SUMS`, lines.join(""));
}
