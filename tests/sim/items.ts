/**
 * Files and folders of a plan, on a disk.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Disk } from "./disk.ts";
import type { Item, SourceChange } from "./plan.ts";

/** The content of an item: another number, another content. */
export function contentOf(item: Item): Bytes {
  const bytes = new Uint8Array(item.sizeBytes);
  let state = Math.imul(item.content, 2_654_435_761) >>> 0;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Makes an item below a folder. */
export function put(disk: Disk, folder: string, item: Item): void {
  const inode = disk.create(`${folder}/${item.path}`, item.kind, 0o755);
  if (item.kind === "file") disk.write(inode, contentOf(item));
  if (item.kind === "file") disk.touch(inode, { mode: item.mode, mtimeMs: item.mtimeMs });
}

/** Does something to a file behind its reader's back; nothing if it is gone. */
export function changeFile(disk: Disk, path: string, change: SourceChange): void {
  let inode;
  try {
    inode = disk.find(path);
  } catch {
    return;
  }
  const { data, mode } = inode.now;
  switch (change) {
    case "append":
      return disk.write(inode, new Uint8Array([...data, 1, 2, 3]));
    case "shorten":
      return disk.write(inode, data.slice(0, data.length >> 1));
    case "rewrite":
      return disk.write(inode, data.map((byte) => byte ^ 0x55));
    case "replace": {
      const { mtimeMs } = inode.now;
      disk.remove(path);
      const other = disk.create(path, "file", mode);
      disk.write(other, data.map((byte) => byte ^ 0xaa));
      return disk.touch(other, { mtimeMs });
    }
    case "touch":
      return disk.touch(inode, { mtimeMs: inode.now.mtimeMs + 1000 });
    case "remove":
      return disk.remove(path);
  }
}
