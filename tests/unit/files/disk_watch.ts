/**
 * Keeps account of what a crash could take: everything written since it was last made durable.
 * @module
 */
import fs from "node:fs";

const FsFile = Deno.FsFile.prototype;

/** Watches the calls of Deno and of node:fs on files while a test's body runs. */
export class DiskWatch {
  /** Files with content, and folders with names, that may not survive a crash. */
  readonly dirty = new Set<string>();
  readonly #paths = new WeakMap<Deno.FsFile, string>();
  /** Of descriptors, each of which means what was opened last. */
  readonly #pathsByNumber = new Map<number, string>();

  /** Counts all that lies at and below `path` as not durable, as after a crash of the process that wrote it. */
  distrust(path: string): void {
    if (!Deno.lstatSync(path).isDirectory) {
      this.dirty.add(path);
      return;
    }
    for (const { name } of Deno.readDirSync(path)) {
      this.dirty.add(path);
      this.distrust(`${path}/${name}`);
    }
  }

  async during(body: () => Promise<void> | void): Promise<void> {
    const { openSync, mkdirSync, renameSync, removeSync } = Deno;
    const { writeSync, truncateSync, utimeSync, syncSync } = FsFile;
    const ofNode = {
      openSync: fs.openSync,
      futimesSync: fs.futimesSync,
      fsyncSync: fs.fsyncSync,
      fsync: fs.fsync,
    };
    const paths = this.#paths;
    const pathsByNumber = this.#pathsByNumber;
    const dirty = this.dirty;
    Object.assign(Deno, {
      openSync(path: string, options: Deno.OpenOptions) {
        const file = openSync(path, options);
        paths.set(file, path);
        if (options.createNew) dirty.add(parent(path));
        return file;
      },
      mkdirSync(path: string, options: Deno.MkdirOptions) {
        mkdirSync(path, options);
        dirty.add(parent(path));
      },
      renameSync(from: string, to: string) {
        renameSync(from, to);
        dirty.add(parent(to));
      },
      removeSync(path: string, options: Deno.RemoveOptions) {
        removeSync(path, options);
        for (const item of dirty) if (item === path || item.startsWith(`${path}/`)) dirty.delete(item);
      },
    });
    Object.assign(FsFile, {
      writeSync(this: Deno.FsFile, bytes: Uint8Array) {
        dirty.add(paths.get(this)!);
        return writeSync.call(this, bytes);
      },
      truncateSync(this: Deno.FsFile, size: number) {
        dirty.add(paths.get(this)!);
        truncateSync.call(this, size);
      },
      utimeSync(this: Deno.FsFile, atime: Date, mtime: Date) {
        dirty.add(paths.get(this)!);
        utimeSync.call(this, atime, mtime);
      },
      syncSync(this: Deno.FsFile) {
        syncSync.call(this);
        dirty.delete(paths.get(this)!);
      },
    });
    Object.assign(fs, {
      openSync(path: string, flags: fs.OpenMode) {
        const file = ofNode.openSync(path, flags);
        pathsByNumber.set(file, path);
        return file;
      },
      futimesSync(file: number, atime: fs.TimeLike, mtime: fs.TimeLike) {
        dirty.add(pathsByNumber.get(file)!);
        ofNode.futimesSync(file, atime, mtime);
      },
      fsyncSync(file: number) {
        ofNode.fsyncSync(file);
        dirty.delete(pathsByNumber.get(file)!);
      },
      fsync(file: number, callback: fs.NoParamCallback) {
        const path = pathsByNumber.get(file)!;
        ofNode.fsync(file, (error) => {
          if (error === null) dirty.delete(path);
          callback(error);
        });
      },
    });
    try {
      await body();
    } finally {
      Object.assign(Deno, { openSync, mkdirSync, renameSync, removeSync });
      Object.assign(FsFile, { writeSync, truncateSync, utimeSync, syncSync });
      Object.assign(fs, ofNode);
    }
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
