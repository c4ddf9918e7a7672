/**
 * The calls of Deno and of node:fs that lib/files makes, on the disk of a simulated process. Each is a step of that
 * process, so it may fail or be its last; what removes many things is many steps.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { type Disk, type Inode, systemError } from "./disk.ts";
import type { Belonging, Process } from "./process.ts";

/** What the umask takes. */
export const UMASK = 0o022;

/** An open file or folder: what stx uses of `Deno.FsFile`. */
export class SimFile implements Belonging {
  readonly #process: Process;
  readonly #inode: Inode;
  readonly #canWrite: boolean;
  #at = 0;
  #isClosed = false;

  constructor(process: Process, inode: Inode, canWrite: boolean) {
    this.#process = process;
    this.#inode = inode;
    this.#canWrite = canWrite;
    process.belongings.add(this);
  }

  statSync(): Deno.FileInfo {
    this.#requireOpen();
    return infoOf(this.#inode);
  }

  seekSync(offset: number): number {
    this.#requireOpen();
    this.#at = offset;
    return offset;
  }

  readSync(into: Bytes): number | null {
    this.#requireOpen();
    return this.#process.step("read", () => {
      const part = this.#inode.now.data.subarray(this.#at, this.#at + into.length);
      if (part.length === 0 && into.length > 0) return null;
      into.set(part);
      this.#at += part.length;
      return part.length;
    });
  }

  writeSync(bytes: Bytes): number {
    this.#requireOpen();
    if (!this.#canWrite) throw systemError("EBADF");
    return this.#process.step("write", (takenBytes) => {
      const disk = this.#process.disk;
      const old = this.#inode.now.data;
      // A full disk takes what still fits, and says so only to the next call.
      const room = disk.freeBytes - Math.max(0, this.#at - old.length);
      const size = room > 0 && room < takenBytes ? Math.floor(room) : takenBytes;
      const data = new Uint8Array(Math.max(old.length, this.#at + size));
      data.set(old);
      data.set(bytes.subarray(0, size), this.#at);
      disk.write(this.#inode, data);
      disk.rewritten(this.#inode, this.#at, this.#at + size);
      this.#at += size;
      return size;
    }, bytes.length);
  }

  truncateSync(size: number): void {
    this.#requireOpen();
    this.#process.step("truncate", () => {
      const data = new Uint8Array(size);
      data.set(this.#inode.now.data.subarray(0, size));
      this.#process.disk.write(this.#inode, data);
      this.#process.disk.rewritten(this.#inode, size, Infinity);
    });
  }

  utimeSync(_accessed: Date, modified: Date): void {
    this.#requireOpen();
    this.#process.step("setTime", () => {
      this.#process.disk.touch(this.#inode, { mtimeMs: modified.getTime() });
    });
  }

  syncSync(): void {
    this.#requireOpen();
    try {
      this.#process.step("sync", () => this.#process.disk.endSync(this.#process.disk.beginSync(this.#inode)));
    } catch (error) {
      if (this.#process.isAlive) this.#process.disk.failSync(this.#inode);
      throw error;
    }
  }

  async sync(): Promise<void> {
    this.#requireOpen();
    const process = this.#process;
    const tookMs = process.machine.stepMs.sync ?? 0;
    let failure: unknown;
    try {
      process.begin("sync", 0, true);
    } catch (error) {
      process.requireLife();
      process.disk.failSync(this.#inode);
      failure = error;
    }
    const job = process.disk.beginSync(this.#inode);
    await process.later(tookMs, "synced", () => {
      if (failure !== undefined) throw failure;
      process.disk.endSync(job);
      process.end("sync");
    });
  }

  /** Takes the bits that are not in `mode`, as `fchmod` does. */
  setMode(mode: number): void {
    this.#requireOpen();
    this.#process.step("setMode", () => this.#process.disk.touch(this.#inode, { mode }));
  }

  tryLockSync(): boolean {
    this.#requireOpen();
    if (this.#inode.lockedBy !== undefined && this.#inode.lockedBy !== this) return false;
    this.#inode.lockedBy = this;
    return true;
  }

  close(): void {
    if (!this.#process.isAlive) return;
    if (this.#isClosed) throw new Error("The file was closed before");
    this.endWithProcess();
    this.#process.belongings.delete(this);
  }

  endWithProcess(): void {
    this.#isClosed = true;
    if (this.#inode.lockedBy === this) this.#inode.lockedBy = undefined;
  }

  #requireOpen(): void {
    this.#process.requireLife();
    if (this.#isClosed) throw new Error("The file is closed");
  }
}

/** Calls on paths; `find` says whose they are. */
export class SimFiles {
  readonly #find: (number: number) => Process;

  constructor(find: (number: number) => Process) {
    this.#find = find;
  }

  /** Whose a path is, and what the disk calls it. */
  #of(path: string): { process: Process; disk: Disk; local: string } {
    const [, , number, ...rest] = path.split("/");
    const process = this.#find(Number(number));
    process.requireLife();
    return { process, disk: process.disk, local: `/${rest.join("/")}` };
  }

  look(path: string): Deno.FileInfo {
    const { process, disk, local } = this.#of(path);
    return process.step("look", () => infoOf(disk.find(local)));
  }

  realPath(path: string): string {
    const { disk, local } = this.#of(path);
    disk.find(local);
    return path;
  }

  open(path: string, options: Deno.OpenOptions): SimFile {
    const { process, disk, local } = this.#of(path);
    const canWrite = options.write === true;
    if (options.createNew === true) {
      return process.step("make", () => {
        const inode = disk.create(local, "file", (options.mode ?? 0o666) & ~UMASK);
        return new SimFile(process, inode, canWrite);
      });
    }
    return process.step("open", () => {
      const inode = disk.find(local);
      const needed = (options.read === true ? 0o400 : 0) | (canWrite ? 0o200 : 0);
      if ((inode.now.mode & needed) !== needed) throw systemError("EACCES");
      if (canWrite && inode.kind === "directory") throw systemError("EISDIR");
      return new SimFile(process, inode, canWrite);
    });
  }

  makeFolder(path: string, mode: number): void {
    const { process, disk, local } = this.#of(path);
    process.step("makeFolder", () => void disk.create(local, "directory", mode & ~UMASK));
  }

  list(path: string): IteratorObject<Deno.DirEntry> {
    const { process, disk, local } = this.#of(path);
    return process.step("list", () => {
      const folder = disk.find(local);
      if (folder.kind !== "directory") throw systemError("ENOTDIR");
      if ((folder.now.mode & 0o400) === 0) throw systemError("EACCES");
      const items = Array.from(folder.names, ([name, child]) => ({
        name,
        isFile: child.kind === "file",
        isDirectory: child.kind === "directory",
        isSymlink: false,
      }));
      return items.values();
    });
  }

  rename(from: string, to: string): void {
    const { process, disk, local } = this.#of(from);
    const target = this.#of(to).local;
    process.step("rename", () => disk.rename(local, target));
  }

  setMode(path: string, mode: number): void {
    const { process, disk, local } = this.#of(path);
    process.step("setMode", () => disk.touch(disk.find(local), { mode }));
  }

  setTime(path: string, modified: Date): void {
    const { process, disk, local } = this.#of(path);
    process.step("setTime", () => disk.touch(disk.find(local), { mtimeMs: modified.getTime() }));
  }

  remove(path: string, isRecursive = false): void {
    const { process } = this.#of(path);
    for (const local of this.#removals(path, isRecursive)) {
      process.step("remove", () => process.disk.remove(local));
    }
  }

  async removeLater(path: string, isRecursive: boolean): Promise<void> {
    const { process } = this.#of(path);
    for (const local of this.#removals(path, isRecursive)) {
      await process.later(0, "removes", () => process.step("remove", () => process.disk.remove(local)));
    }
  }

  /** What has to go, in order. */
  #removals(path: string, isRecursive: boolean): readonly string[] {
    const { disk, local } = this.#of(path);
    const inode = disk.find(local);
    if (!isRecursive || inode.kind === "file") return [local];
    const below = disk.list(local).map((item) => `${local}/${item.path}`);
    return [...below.reverse(), local];
  }
}

function infoOf(inode: Inode): Deno.FileInfo {
  const { now, kind, number } = inode;
  const info: Partial<Deno.FileInfo> = {
    isFile: kind === "file",
    isDirectory: kind === "directory",
    isSymlink: false,
    size: now.data.length,
    mtime: new Date(now.mtimeMs),
    dev: 1,
    ino: number,
    mode: now.mode | (kind === "file" ? 0o100000 : 0o040000),
    uid: 1000,
    nlink: kind === "file" ? 1 : 2,
  };
  return info as Deno.FileInfo;
}
